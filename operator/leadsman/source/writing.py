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

    def file(self, path: str, blob: Blob) -> Path | None:
        """Return where the same file is, None where it is not."""
        if self.trees.get(path) != blob.id:
            return None
        file = self.root / path
        try:
            mode = file.lstat().st_mode
        except OSError:  # it has been removed meanwhile
            return None
        same = bool(mode & stat.S_IXUSR) is blob.is_executable
        return file if stat.S_ISREG(mode) and same else None


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
        file = former.file(path, entry) if former is not None and not entry.is_link else None
        if file is None:
            budget.bytes(repo.odb.info(entry.oid).size)
        else:
            known[path] = file
            budget.bytes(file.stat().st_size)
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
