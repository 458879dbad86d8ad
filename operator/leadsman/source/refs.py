"""Which commit a reference means, decided from what ``git ls-remote`` prints.

Source: ``GitRepositoryRef`` of fluxcd/source-controller and fluxcd/pkg ``git/gogit/clone.go``;
what a revision looks like is in ``Commit.String`` and ``AbsoluteReference`` of fluxcd/pkg ``git``.
"""

from __future__ import annotations

import difflib
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from leadsman.errors import SourceError
from leadsman.source.semver import parse_range, parse_version, precedence

if TYPE_CHECKING:
    from collections.abc import Iterable

    from semantic_version import Version

    from leadsman.model.source import GitRef

DEFAULT_BRANCH = "master"
_PEELED = "^{}"
_NEARBY = 5
_FULL_ID = re.compile(r"[0-9a-f]{40}([0-9a-f]{24})?")


@dataclass(frozen=True, slots=True)
class Candidate:
    """A commit that a reference may mean; ``ref`` is the full name that led to it, or empty."""

    sha: str
    revision: str
    ref: str = ""


@dataclass(frozen=True, slots=True)
class Listing:
    """What a server says it has, as printed by ``git ls-remote``; searched, never unpacked.

    ``complete`` tells whether it holds all references, not only branches and tags.
    """

    printed: bytes
    complete: bool = False

    def find(self, ref: str) -> str | None:
        """Return the id that a full reference stands for; of an annotated tag, the commit's."""
        names = (ref + _PEELED, ref) if ref.startswith("refs/tags/") else (ref,)
        for name in names:
            end = self.printed.find(f"\t{name}\n".encode())
            if end >= 0:
                return self.printed[self.printed.rfind(b"\n", 0, end) + 1 : end].decode()
        return None

    def names(self, prefix: str) -> list[str]:
        """Return what stands behind a prefix such as ``refs/tags/``, without the prefix."""
        found = re.findall(rb"\t" + re.escape(prefix.encode()) + rb"(.+)\n", self.printed)
        names = (name.decode(errors="replace") for name in found)
        return [name for name in names if not name.endswith(_PEELED)]


def needs_complete_listing(ref: GitRef) -> bool:
    """Tell whether a reference may be outside branches and tags."""
    return (
        not ref.commit and bool(ref.name) and not ref.name.startswith(("refs/heads/", "refs/tags/"))
    )


def candidates(ref: GitRef, listing: Listing) -> tuple[Candidate, ...]:
    """Return what a reference without a commit means: one, or equal versions to choose from.

    The precedence is ``name > semver > tag > branch``.

    Raises:
        SourceError: ``RefNotFound``, without the repository's name.
    """
    if ref.name:
        sha = _expect(listing.find(ref.name), "reference", ref.name, listing, "refs/")
        return (Candidate(sha, revision(sha, ref.name), ref.name),)
    if ref.semver:
        return _versions(ref.semver, listing)
    kind, name, prefix = (
        ("tag", ref.tag, "refs/tags/")
        if ref.tag
        else ("branch", ref.branch or DEFAULT_BRANCH, "refs/heads/")
    )
    sha = _expect(listing.find(prefix + name), kind, name, listing, prefix)
    return (Candidate(sha, revision(sha, name), prefix + name),)


def pinned(ref: GitRef) -> Candidate:
    """Return what a reference with a commit means.

    Raises:
        SourceError: ``RefNotFound``, where it is not a full id.
    """
    sha = ref.commit.lower()
    if not _FULL_ID.fullmatch(sha):
        raise not_found(f"commit {ref.commit!r} is not a full commit id of 40 hexadecimal digits")
    return Candidate(sha, revision(sha, ref.name or ref.branch))


def revision(sha: str, name: str = "") -> str:
    """Write a revision as Flux does; ``name`` is short for branches and tags."""
    algorithm = "sha1" if len(sha) == 40 else "sha256"  # noqa: PLR2004 - hexadecimal digits
    return f"{name}@{algorithm}:{sha}" if name else f"{algorithm}:{sha}"


def not_found(what: str) -> SourceError:
    """Return the error for a reference that leads to no commit."""
    return SourceError("RefNotFound", what, retryable=False)


def _expect(sha: str | None, kind: str, name: str, listing: Listing, prefix: str) -> str:
    if sha is not None:
        return sha
    names = listing.names(prefix)
    if prefix == "refs/":
        names = [prefix + other for other in names]
    raise not_found(f"there is no {kind} {name!r}{_nearby(name, names, kind)}")


def _nearby(name: str, names: list[str], kind: str) -> str:
    """Say what somebody may have meant."""
    if not names:
        return f": the repository has no {kind} at all"
    if name == DEFAULT_BRANCH and "main" in names:
        return ", which is the default, but 'main'"
    close = difflib.get_close_matches(name, names[:1000], n=_NEARBY)
    what = "similar" if close else "there are"
    shown = close or sorted(names)[:_NEARBY]
    more = f" and {len(names) - len(shown)} more" if not close and len(names) > len(shown) else ""
    return f"; {what}: {', '.join(map(repr, shown))}{more}"


def _versions(text: str, listing: Listing) -> tuple[Candidate, ...]:
    try:
        wanted = parse_range(text)
    except ValueError as error:
        raise not_found(f"semver {text!r} is not a version range: {error}") from None
    known = _known_versions(listing.names("refs/tags/"))
    fitting = [(version, tag) for version, tag in known if version in wanted]
    if not fitting:
        raise not_found(f"no tag is a version in {text!r}{_newest(known)}")
    best = max(precedence(version) for version, _ in fitting)
    equals = sorted(tag for version, tag in fitting if precedence(version) == best)
    found = []
    for tag in equals:
        ref = f"refs/tags/{tag}"
        sha = _expect(listing.find(ref), "tag", tag, listing, "refs/tags/")
        found.append(Candidate(sha, revision(sha, tag), ref))
    return tuple(found)


def _known_versions(tags: Iterable[str]) -> list[tuple[Version, str]]:
    parsed = ((parse_version(tag), tag) for tag in tags)
    return [(version, tag) for version, tag in parsed if version is not None]


def _newest(known: list[tuple[Version, str]]) -> str:
    if not known:
        return ": no tag is a version such as v1.2.3"
    _, tag = max(known, key=lambda pair: precedence(pair[0]))
    return f"; the newest version is {tag!r}"
