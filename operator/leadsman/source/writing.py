"""Write a commit's files: read-only, byte for byte; what is there already is linked."""

from __future__ import annotations

import os
import stat
from dataclasses import dataclass
from typing import TYPE_CHECKING

from leadsman.source.tree import Blob, Budget, Folder, Submodule, read_small, walk

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    import git

_CHUNK = 1 << 20
_LONGEST_LINK = 4096


@dataclass(frozen=True, slots=True)
class Former:
    """Another checkout of the same repository, at ``root``, with the ids of what is there."""

    root: Path
    trees: Mapping[str, str]

    def size(self, path: str, blob: Blob) -> int | None:
        """Return the bytes of the same file there, None where it is not."""
        if blob.is_link or self.trees.get(path) != blob.id:
            return None
        try:
            found = (self.root / path).lstat()
        except OSError:  # it has been removed meanwhile
            return None
        same = bool(found.st_mode & stat.S_IXUSR) is blob.is_executable
        return found.st_size if stat.S_ISREG(found.st_mode) and same else None


def write_folder(
    repo: git.Repo,
    folder: Folder,
    root: Path,
    budget: Budget,
    *,
    below: str = "",
    former: Former | None = None,
) -> None:
    """Write the files of one repository into an empty folder, links last, all read-only.

    Folders that belong to another mirror are made and left empty. What another checkout has is
    linked from there, where ``below`` is the folder's path: a commit mostly changes little of a
    large repository.
    """
    known: dict[str, Path] = {}
    for path, entry in walk(folder, below, own=True):
        if not isinstance(entry, Blob):
            continue
        size = former.size(path, entry) if former is not None else None
        if former is not None and size is not None:
            known[path] = former.root / path
        budget.bytes(repo.odb.info(entry.oid).size if size is None else size)
    links: list[tuple[Path, Blob]] = []
    _Writer(repo, budget, known, links).write(folder, root, below)
    for place, blob in links:
        target = read_small(repo, blob, _LONGEST_LINK)
        if not target or b"\0" in target:
            raise budget.invalid(f"{place.relative_to(root)} is not a valid symbolic link")
        place.symlink_to(os.fsdecode(target))


@dataclass(frozen=True, slots=True)
class _Writer:
    """Writes files, or links what is ``known``; symbolic links are left to be made later."""

    repo: git.Repo
    budget: Budget
    known: Mapping[str, Path]
    links: list[tuple[Path, Blob]]

    def write(self, folder: Folder, place: Path, path: str) -> None:
        for name, entry in folder.entries.items():
            inner, below = place / name, f"{path}/{name}" if path else name
            if isinstance(entry, Submodule):
                inner.mkdir()
            elif isinstance(entry, Folder):
                inner.mkdir()
                if entry.mirror is None:
                    self.write(entry, inner, below)
            elif entry.is_link:
                self.links.append((inner, entry))
            elif below not in self.known or not self._linked(self.known[below], inner):
                self._write_file(entry, inner)

    def _linked(self, file: Path, place: Path) -> bool:
        self.budget.check()
        try:
            place.hardlink_to(file)
        except OSError:  # it has been removed meanwhile, or has as many names as can be
            return False
        return True

    def _write_file(self, blob: Blob, path: Path) -> None:
        self.budget.check()
        mode = 0o555 if blob.is_executable else 0o444
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW
        with os.fdopen(os.open(path, flags, mode), "wb") as output:
            stream = self.repo.odb.stream(blob.oid)
            try:
                while chunk := stream.read(_CHUNK):
                    output.write(chunk)
                if output.tell() != stream.size:
                    raise self.budget.invalid(f"{path.name} ends early")
            finally:
                # What is not read now, GitPython would read when nobody expects it.
                while stream.read(_CHUNK):
                    pass
