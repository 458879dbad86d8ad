"""What git's complaints mean, told without secrets."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from leadsman.errors import SourceError

if TYPE_CHECKING:
    from collections.abc import Callable


@dataclass(frozen=True, slots=True)
class _Kind:
    """A class of failures: what git prints, and what a person can do about it."""

    printed: re.Pattern[str]
    reason: str
    advice: str
    retryable: bool = False


def _kind(printed: str, reason: str, advice: str, *, retryable: bool = False) -> _Kind:
    return _Kind(re.compile(printed, re.IGNORECASE), reason, advice, retryable)


REFUSED_CREDENTIALS = "the server refuses the credentials: check those in the Secret"
MISSING_CREDENTIALS = (
    "the server asks for credentials: name a Secret with them in secretRef, "
    "or check that the repository exists"
)

# The first that fits names the failure, so what is said more exactly stands first. The texts are
# those of git 2.30 to 2.51, libcurl with GnuTLS and OpenSSL, OpenSSH, GitHub and GitLab.
_KINDS = (
    _kind(
        r"REMOTE HOST IDENTIFICATION HAS CHANGED|host key for .* has changed",
        "HostKeyMismatch",
        "the server's host key is not the one in known_hosts: if it was changed on purpose, "
        "update the Secret, else somebody is in between",
    ),
    _kind(
        r"host key verification failed|no .* host key is known",
        "HostKeyMismatch",
        "the server's host key is not in known_hosts: add it (ssh-keyscan, and check it)",
    ),
    _kind(
        r"error in libcrypto|invalid format|bad permissions|load key .*:",
        "InvalidSecret",
        "the private key in identity cannot be read: it must be a whole key in PEM or OpenSSH form",
    ),
    _kind(
        r"authentication failed|could not read (username|password)|permission denied \(|"
        r"returned error: (401|403)|invalid (username|credentials)|access denied|"
        r"no supported authentication methods|not authori[sz]ed|HTTP Basic: Access denied",
        "AuthenticationFailed",
        "",
    ),
    _kind(
        r"repository .* not found|repository not found|does not appear to be a git repository|"
        r"returned error: (404|410)|could not be found|is this a git repository|"
        r"repository .* does not exist|did you run git update-server-info",
        "RepositoryNotFound",
        "there is no repository at this address, or the credentials may not see it",
    ),
    _kind(
        r"returned error: 30[12378]",
        "Redirected",
        "the server redirects to another address, where credentials are not sent: "
        "put the new address into the url",
    ),
    _kind(
        r"certificate|\bSSL\b|\bTLS\b|gnutls|schannel",
        "TLSFailed",
        "no trusted TLS connection: a private authority belongs in ca.crt in the Secret",
    ),
    _kind(
        r"returned error: (429|5\d\d)",
        "Unreachable",
        "the server cannot answer now",
        retryable=True,
    ),
    _kind(
        r"could not resolve|failed to connect|couldn't connect|connection (refused|reset|closed|"
        r"timed out)|timed out|no route to host|network is unreachable|empty reply|recv failure|"
        r"send failure|early EOF|hung up unexpectedly|transfer closed|kex_exchange_identification|"
        r"could not read from remote repository|RPC failed|broken pipe|not connected",
        "Unreachable",
        "the server cannot be reached: check the host's name, the network and proxies",
        retryable=True,
    ),
)

_NOT_OUR_REF = re.compile(
    r"not our ref|want [0-9a-f]+ not valid|unadvertised object|couldn't find remote ref|"
    r"no such remote ref|shallow capabilities",
    re.IGNORECASE,
)
# Lines that only frame the one that says it.
_NOISE = re.compile(
    r"\s*$|please make sure you have|and the repository exists|warning:|hint:|@|"
    r"fatal: could not read from remote repository|fatal: the remote end hung up|"
    r"fatal: expected|remote:\s*$",
    re.IGNORECASE,
)
_LONGEST_LINE = 300


def refuses_object(stderr: str) -> bool:
    """Tell whether a server did not give a commit that was asked for by its id."""
    return bool(_NOT_OUR_REF.search(stderr))


def git_failure(
    stderr: str, *, where: str, authenticated: bool, scrub: Callable[[str], str]
) -> SourceError:
    """Turn what git printed into an error with a reason, a way out and no secrets."""
    words = _last_words(scrub(stderr))
    for kind in _KINDS:
        if kind.printed.search(stderr):
            advice = kind.advice or (REFUSED_CREDENTIALS if authenticated else MISSING_CREDENTIALS)
            return SourceError(
                kind.reason, f"{where}: {advice} (git: {words})", retryable=kind.retryable
            )
    return SourceError("GitFailed", f"{where}: git failed: {words}")


def timed_out(where: str, doing: str, seconds: float) -> SourceError:
    """Return the error for an operation that took longer than the source's timeout."""
    return SourceError(
        "Timeout",
        f"{where}: {doing} was not done within {seconds:g} s: "
        "the server is slow or does not answer, or the timeout is too short",
    )


def too_large(where: str, what: str, limit: str) -> SourceError:
    """Return the error for a repository that is over a limit."""
    return SourceError("TooLarge", f"{where}: {what}, over the limit of {limit}", retryable=False)


def _last_words(stderr: str) -> str:
    """Return the line of git's that says most, on one line, without control characters."""
    lines = [line.strip() for line in stderr.splitlines()]
    telling = [line for line in lines if not _NOISE.match(line)] or [line for line in lines if line]
    words = telling[-1] if telling else "no message"
    words = re.sub(r"^(fatal|error|remote): *", "", words)
    # curl says how long it tried, which would make each try news and each retry a write.
    words = re.sub(r" after \d+ m?s(?:econds)?\b", "", words)
    words = "".join(c if c.isprintable() else "?" for c in words)
    return words if len(words) <= _LONGEST_LINE else words[:_LONGEST_LINE] + "…"
