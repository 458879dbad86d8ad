"""A commit's tree, read from a mirror: what will be written as plain files.

Nothing of git's own checkout is used: no attributes, filters, hooks or line-end conversion of the
repository's can run, blobs are written byte for byte, and names are judged before they are used.
"""

from __future__ import annotations

import hashlib
import os
import stat
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from git.objects.fun import tree_entries_from_data

from leadsman.errors import SourceError
from leadsman.source.failure import too_large

if TYPE_CHECKING:
    from collections.abc import Iterator

    import git

    from leadsman.source.ignore import Matcher
    from leadsman.source.limits import Limits
    from leadsman.source.mirror import Mirror

_FOLDER = 0o040000
_LINK = 0o120000
_SUBMODULE = 0o160000
_DEEPEST = 200


@dataclass(slots=True)
class Blob:
    """A file or a symbolic link."""

    mode: int
    oid: bytes

    @property
    def is_link(self) -> bool:
        """Whether it is a symbolic link."""
        return stat.S_IFMT(self.mode) == _LINK

    @property
    def is_executable(self) -> bool:
        """Whether its owner may run it."""
        return bool(self.mode & stat.S_IXUSR)

    @property
    def id(self) -> str:
        """Git's id; what a link says could be a file's content too, so that it is marked."""
        return f"{_LINK:o} {self.oid.hex()}" if self.is_link else self.oid.hex()


@dataclass(slots=True)
class Submodule:
    """A commit of another repository that was not looked into."""

    oid: bytes


@dataclass(slots=True)
class Folder:
    """A folder; ``mirror`` holds its blobs, where it is not the one of the folder above."""

    entries: dict[str, Blob | Submodule | Folder] = field(default_factory=dict)
    mirror: Mirror | None = None


class Stop(Exception):  # noqa: N818 - a request, no error: nobody waits any more
    """Ends the work of a thread."""


class Budget:
    """Counts what a checkout costs, submodules included, and ends what is over the limits."""

    def __init__(self, limits: Limits, where: str) -> None:
        self._limits = limits
        self._where = where
        self._files = 0
        self._bytes = 0
        self.stopped = False

    def entries(self, count: int) -> None:
        """Count entries of folders."""
        self.check()
        self._files += count
        if self._files > self._limits.files:
            limit = f"{self._limits.files} files and folders"
            raise too_large(self._where, "it holds too many files", limit)

    def bytes(self, count: int) -> None:
        """Count bytes that are about to be read."""
        self.check()
        self._bytes += count
        if self._bytes > self._limits.checkout:
            limit = f"{self._limits.checkout} bytes"
            raise too_large(self._where, "its files are too large", limit)

    def check(self) -> None:
        """End the thread's work if nobody waits for it."""
        if self.stopped:
            raise Stop

    def invalid(self, what: str) -> SourceError:
        """Return the error for a tree that no git would have made."""
        # A name in it need not be UTF-8, and the message is written where only characters can be.
        shown = os.fsencode(what).decode("utf-8", "replace")
        return SourceError("InvalidTree", f"{self._where}: {shown}", retryable=False)

    def failed(self, what: str) -> SourceError:
        """Return the error for what may go well the next time."""
        return SourceError("GitFailed", f"{self._where}: {what}")


def read_folder(repo: git.Repo, oid: bytes, budget: Budget, depth: int = 0) -> Folder:
    """Read a tree with all below it."""
    if depth > _DEEPEST:
        raise budget.invalid(f"folders are nested more than {_DEEPEST} deep")
    budget.bytes(repo.odb.info(oid).size)
    try:
        # GitPython refuses the names with which a tree could reach out of its folder.
        listed = tree_entries_from_data(repo.odb.stream(oid).read())
    except ValueError as error:
        raise budget.invalid(f"a folder cannot be read: {error}") from None
    budget.entries(len(listed))
    folder = Folder()
    for child, mode, name in listed:
        # Two things of one name could make a link of what is then taken for a folder.
        if name in folder.entries:
            raise budget.invalid(f"the name {name!r} is there twice in one folder")
        kind = stat.S_IFMT(mode)
        if kind == _FOLDER:
            folder.entries[name] = read_folder(repo, child, budget, depth + 1)
        elif kind == _SUBMODULE:
            folder.entries[name] = Submodule(child)
        else:
            folder.entries[name] = Blob(mode, child)
    return folder


def read_small(repo: git.Repo, blob: Blob, limit: int) -> bytes | None:
    """Read a small file; None if it is over the limit."""
    if repo.odb.info(blob.oid).size > limit:
        return None
    return bytes(repo.odb.stream(blob.oid).read())


def walk(
    folder: Folder, path: str = "", *, own: bool = False
) -> Iterator[tuple[str, Blob | Submodule | Folder]]:
    """Yield what is below a folder with its path, folders before what is in them.

    ``own`` leaves out what is in the folders of other mirrors.
    """
    for name, entry in folder.entries.items():
        below = f"{path}/{name}" if path else name
        yield below, entry
        if isinstance(entry, Folder) and not (own and entry.mirror):
            yield from walk(entry, below, own=own)


def pieces(folder: Folder, path: str = "") -> Iterator[tuple[str, Folder]]:
    """Yield the folders that have a mirror of their own, outer ones first, with their paths."""
    if folder.mirror is not None:
        yield path, folder
    for name, entry in folder.entries.items():
        if isinstance(entry, Folder):
            yield from pieces(entry, f"{path}/{name}" if path else name)


def replace(folder: Folder, path: str, inner: Folder) -> None:
    """Put a folder in the place of a submodule."""
    *above, name = path.split("/")
    for step in above:
        below = folder.entries[step]
        assert isinstance(below, Folder)  # noqa: S101 - a path that walk gave leads through folders
        folder = below
    folder.entries[name] = inner


def leave_out(folder: Folder, ignore: Matcher, budget: Budget, path: str = "") -> None:
    """Remove the files that are ignored and the folders that thereby become empty."""
    budget.check()
    for name, entry in list(folder.entries.items()):
        below = f"{path}/{name}" if path else name
        if isinstance(entry, Folder):
            leave_out(entry, ignore, budget, below)
            if not entry.entries:
                del folder.entries[name]
        elif isinstance(entry, Blob) and ignore.excludes(below):
            del folder.entries[name]


def object_ids(folder: Folder) -> dict[str, str]:
    """Map each path, ``""`` for the root, to the id that git gives to what is written there.

    A folder of which something was left out has the id of the tree without it, and a submodule
    that was looked into that of its tree: equal ids mean equal files.
    """
    ids: dict[str, str] = {}
    _collect_ids(folder, "", ids)
    return ids


def _collect_ids(folder: Folder, path: str, ids: dict[str, str]) -> bytes:
    listed: list[tuple[bytes, bytes]] = []
    for name, entry in folder.entries.items():
        below = f"{path}/{name}" if path else name
        raw = os.fsencode(name)
        if isinstance(entry, Folder):
            oid = _collect_ids(entry, below, ids)
            # Git orders folders as if their names ended in a slash.
            listed.append((raw + b"/", b"40000 %b\0%b" % (raw, oid)))
            continue
        ids[below] = entry.id if isinstance(entry, Blob) else entry.oid.hex()
        mode = _SUBMODULE if isinstance(entry, Submodule) else entry.mode
        listed.append((raw, b"%o %b\0%b" % (mode, raw, entry.oid)))
    data = b"".join(line for _, line in sorted(listed))
    oid = hashlib.sha1(b"tree %d\0%b" % (len(data), data), usedforsecurity=False).digest()
    ids[path] = oid.hex()
    return oid
