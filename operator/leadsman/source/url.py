"""The address of a repository: what of it git is told, and what people are shown."""

from __future__ import annotations

import functools
import re
from dataclasses import dataclass, field
from urllib.parse import unquote, urlsplit

from leadsman.errors import SourceError

_SCHEME = re.compile(r"(https?|ssh|file)://")
_SCP = re.compile(r"(?:[^/\s:@]+@)?(?P<host>\[[^]/\s]+\]|[^/\s:]+):(?!//)(?P<path>\S+)")
_UNPRINTABLE = re.compile(r"[\x00-\x20\x7f]")
_DEFAULT_SSH_USER = "git"
# Source: gitprotocol-pack(5) and the RFCs of the others.
_DEFAULT_PORTS = {"http": 80, "https": 443, "ssh": 22, "git": 9418}


@dataclass(frozen=True, slots=True)
class RemoteUrl:
    """A repository's address, taken apart.

    ``text`` is what git is given and what messages show: it holds no password, and no user but
    that of SSH. ``origin`` is ``scheme://host[:port]``. ``user`` and ``password`` are those of an
    HTTP address that carries them.
    """

    scheme: str
    host: str
    origin: str
    text: str
    user: str = ""
    password: str = field(default="", repr=False)

    def __str__(self) -> str:
        return self.text.partition("?")[0]


def parse_url(url: str, *, allow_file: bool = False) -> RemoteUrl:
    """Take an address apart and refuse what git must never see.

    Source: the forms that Flux's GitRepository allows, ``http://``, ``https://`` and ``ssh://``.

    Raises:
        SourceError: ``InvalidURL``.
    """
    scheme = _SCHEME.match(url)
    if scheme is None or (scheme[1] == "file" and not allow_file):
        raise _invalid(url, _scheme_advice(url))
    if _UNPRINTABLE.search(url):
        raise _invalid(url, "it holds a space or a control character")
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port
    except ValueError as error:
        raise _invalid(url, str(error)) from None
    if parts.scheme == "file":
        return RemoteUrl("file", "", "file://", url)
    # A leading dash would be read as an option by the ssh program.
    if not host or host.startswith("-") or (parts.username or "").startswith("-"):
        raise _invalid(url, "it names no host")
    place = f"[{host}]" if ":" in host else host
    if port is not None:
        place = f"{place}:{port}"
    query = f"?{parts.query}" if parts.query else ""
    user, password = unquote(parts.username or ""), unquote(parts.password or "")
    origin = f"{parts.scheme}://{place}"
    if parts.scheme == "ssh":
        login = parts.username or _DEFAULT_SSH_USER
        return RemoteUrl("ssh", host, origin, f"ssh://{login}@{place}{parts.path}", user)
    return RemoteUrl(parts.scheme, host, origin, origin + parts.path + query, user, password)


def display_url(url: str) -> str:
    """Return an address without what may be secret: forges take a token for a user's name."""
    return re.sub(r"^(https?://)[^/@]*@", r"\1", url).partition("?")[0]


@functools.lru_cache(maxsize=16384)
def repository_name(url: str) -> str:
    """Return ``host[:port]/path``, the same for all addresses of a repository; "" for none.

    Forges serve a repository by several protocols, and tell of all its addresses: scheme, user, a
    default port, ``.git``, slashes around the path and the case of letters make no difference.
    Two repositories whose names differ in case alone share a name: forges allow no such two.
    """
    if _UNPRINTABLE.search(url):
        return ""
    if short := _SCP.fullmatch(url):
        scheme, host, port, path = "ssh", short["host"].strip("[]"), None, short["path"]
    else:
        try:
            parts = urlsplit(url)
            scheme, host, port, path = parts.scheme, parts.hostname or "", parts.port, parts.path
        except ValueError:
            return ""
    steps = [step for step in unquote(path).lower().split("/") if step]
    if steps:
        steps[-1] = steps[-1].removesuffix(".git")
    host, path = host.lower().rstrip("."), "/".join(filter(None, steps))
    if scheme not in _DEFAULT_PORTS or not host or not path or not (host + path).isprintable():
        return ""
    place = f"[{host}]" if ":" in host else host
    return f"{place}/{path}" if port in {None, _DEFAULT_PORTS[scheme]} else f"{place}:{port}/{path}"


def _scheme_advice(url: str) -> str:
    if url.startswith("file://"):
        return "repositories on the operator's own file system are not allowed"
    if _SCP.fullmatch(url):
        return "write it as ssh://git@host/path: the short form is not supported"
    return "it must begin with https://, http:// or ssh://"


def _invalid(url: str, why: str) -> SourceError:
    shown = re.sub(r"//[^/@]*@", "//", re.sub(r"[\x00-\x1f\x7f]", "?", url))[:200]
    return SourceError(
        "InvalidURL", f"{shown!r} is not a repository's address: {why}", retryable=False
    )
