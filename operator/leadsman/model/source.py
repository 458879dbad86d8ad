"""Where desired state comes from, and what was found there."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path


@dataclass(frozen=True, slots=True)
class GitRef:
    """What to check out; precedence ``commit > name > semver > tag > branch`` as in Flux.

    Source: ``GitRepositoryRef`` in fluxcd/source-controller ``api/v1``. With everything empty the
    branch is ``master``.
    """

    branch: str = ""
    tag: str = ""
    semver: str = ""
    name: str = ""
    commit: str = ""


@dataclass(frozen=True, slots=True)
class GitSource:
    """A Git repository as a target names it.

    ``secret`` is the name of a Secret in ``namespace``; its keys are those of Flux
    (``username``/``password``, ``bearerToken``, ``ca.crt``, ``identity``/``known_hosts``).
    ``interval`` and ``timeout`` are seconds. ``ignore`` holds gitignore patterns that replace the
    default ones, or None.
    """

    url: str
    ref: GitRef = field(default_factory=GitRef)
    namespace: str = ""
    secret: str = ""
    interval: float = 60.0
    timeout: float = 60.0
    ignore: str | None = None
    recurse_submodules: bool = False


@dataclass(frozen=True, slots=True)
class LocalSource:
    """A folder on this machine, as ``leadsman check ./path`` names it."""

    root: Path


@dataclass(frozen=True, slots=True)
class Credentials:
    """The decoded data of a source's Secret; never logged, never part of an error's text."""

    data: dict[str, bytes] = field(default_factory=dict, repr=False)


@dataclass(frozen=True, slots=True)
class Commit:
    """A commit and how it was named.

    ``revision`` is in Flux's form: ``main@sha1:<sha>``, or ``sha1:<sha>`` for a bare commit.
    ``time`` is the committer's, in seconds since the epoch.
    """

    sha: str
    revision: str
    author: str = ""
    subject: str = ""
    time: float = 0.0


@dataclass(frozen=True, slots=True)
class Artifact:
    """A commit, checked out read-only at ``root``.

    ``trees`` maps every path in it, ``""`` for the root, to Git's object id (of trees, blobs and
    submodule commits; marked for symbolic links), so that what a render read can be told apart from
    what it did not. It is
    empty for a local folder, whose renders are not cached.
    """

    commit: Commit
    root: Path
    trees: dict[str, str] = field(default_factory=dict, repr=False)
