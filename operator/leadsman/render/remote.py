"""Tell references that kustomize would fetch over the network from paths.

Source: ``NewRepoSpecFromURL`` in kustomize's ``api/internal/git/repospec.go``, ``IsRemoteFile`` in
``api/internal/loader``.
"""

from __future__ import annotations

import re

from leadsman.errors import RenderError

_SCHEME = re.compile(r"[a-z][a-z0-9+.-]*(?:://|::)", re.IGNORECASE)
_USER_AND_HOST = re.compile(r"[a-zA-Z][a-zA-Z0-9-]*@[^:/]+[:/]")
# Like gh:org/repo, and host:org/repo without a user.
_SHORTHAND = re.compile(r"[a-zA-Z][\w.-]*:[^/]+/")
_DOMAIN = re.compile(r"(?:[a-z0-9-]+\.)+[a-z]{2,}(?::\d+)?/(?P<rest>.+)", re.IGNORECASE)
_REPOSITORY = re.compile(r"\.git(?:/|$)|//")
_QUERY = re.compile(r"\?(?:.*&)?(?:ref|version|submodules|timeout)=")
_GITHUB = re.compile(r"(?:git::)?github\.com[:/]", re.IGNORECASE)


def is_remote(reference: str) -> bool:
    """Say whether kustomize takes a reference for a URL or a Git repository."""
    if reference.startswith("/"):
        return False
    return bool(
        _SCHEME.match(reference)
        or _USER_AND_HOST.match(reference)
        or _GITHUB.match(reference)
        or "?ref=" in reference
    )


def looks_remote(reference: str) -> bool:
    """Say whether a person means what is elsewhere, though kustomize takes it for a path.

    To be asked only of what is not there.
    """
    domain = _DOMAIN.match(reference)
    return bool(
        _QUERY.search(reference)
        or _SHORTHAND.match(reference)
        or (domain and (_REPOSITORY.search(domain["rest"]) or "/" in domain["rest"].strip("/")))
    )


def refuse_remote(file: str, field: str, reference: str) -> None:
    """Raise RenderError if the reference is remote; ``file`` and ``field`` say where it stands."""
    if is_remote(reference):
        raise remote_base(file, field, reference)


def remote_base(file: str, field: str, reference: str) -> RenderError:
    """Return the error for a reference to what is not in the repository."""
    return RenderError(
        "RemoteBase",
        f"{file}: {field} refers to {without_credentials(reference)}, which is not in the "
        "repository: rendering has no network, so copy it into the repository "
        "(kustomize localize does that)",
        retryable=False,
    )


def without_credentials(reference: str) -> str:
    """Return a URL without the user and password in it."""
    return re.sub(r"(?<=://)[^/@]*@", "", reference)
