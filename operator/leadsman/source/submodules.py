"""Where the submodules of a repository are, by its ``.gitmodules``."""

from __future__ import annotations

import configparser
import io
import posixpath
import re
from typing import TYPE_CHECKING
from urllib.parse import quote

from git.config import GitConfigParser

if TYPE_CHECKING:
    from leadsman.source.url import RemoteUrl

MODULES_FILE = ".gitmodules"
LONGEST_MODULES_FILE = 1 << 20
DEEPEST = 10
_SECTION = re.compile(r'submodule "(.*)"')
_UP = ("./", "../")
# No "://", which begins a URL, and no "::", which names a helper program.
_SHORT_FORM = re.compile(
    r"(?P<login>[^\s/:@?#%\[\]]+@)?(?:\[(?P<place>[^\s/@?#%\[\]]+)\]|(?P<host>[^\s/:@?#%\[\]]+))"
    r":(?!//|:)(?P<path>[^\x00-\x20\x7f]+)"
)


def read_modules(data: bytes) -> dict[str, str]:
    """Map the path of each submodule to the URL that is written there.

    Raises:
        ValueError: it is not git's configuration syntax.
    """
    file = io.BytesIO(data)
    file.name = MODULES_FILE  # GitPython asks for it
    modules: dict[str, str] = {}
    try:
        with GitConfigParser(file, read_only=True, merge_includes=False) as parser:
            for section in filter(_SECTION.fullmatch, parser.sections()):
                path = parser.get(section, "path", fallback="")
                url = parser.get(section, "url", fallback="")
                if path and url:
                    modules[path] = url
    except configparser.Error as error:
        raise ValueError(str(error).splitlines()[0]) from None
    return modules


def submodule_url(parent: RemoteUrl, url: str) -> str:
    """Return the URL of a submodule, whose own may be relative to its parent's.

    The short form ``user@host:path`` becomes a URL. Its path is then one from the server's root on,
    which is the same for forges.

    Source: gitmodules(5), ``submodule.<name>.url``; ``parse_connect_url`` in git's ``connect.c``.
    """
    if not url.startswith(_UP):
        return _long_form(url)
    place, _, path = parent.text.partition("://")[2].partition("/")
    joined = posixpath.normpath(posixpath.join("/", path.rstrip("/"), url))
    return f"{parent.scheme}://{place}{joined}"


def _long_form(url: str) -> str:
    match = _SHORT_FORM.fullmatch(url)
    if match is None:
        return url
    place = match["host"] or match["place"]
    if place.count(":") > 1:
        place = f"[{place}]"  # an address of IPv6; with one colon it is a host and a port
    # In a URL git reads escapes, in the short form it does not.
    path = quote(match["path"], safe="/~:@!$&'()*+,;=")
    return f"ssh://{match['login'] or ''}{place}/{path.removeprefix('/')}"
