"""From a commit in a mirror to files that a renderer can read."""

from __future__ import annotations

import asyncio
import os
import posixpath
import shutil
import stat
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import git

from leadsman.errors import SourceError
from leadsman.source import submodules, tree
from leadsman.source.ignore import IGNORE_FILE, matcher
from leadsman.source.writing import Former, write_folder

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from leadsman.model.source import GitSource
    from leadsman.source.limits import Limits
    from leadsman.source.mirror import CommitInfo, Mirror
    from leadsman.source.remote import Remote

T = TypeVar("T")

_LONGEST_IGNORE_FILE = 256 << 10


@dataclass(slots=True)
class Checkout:
    """A commit's files at ``root``; ``trees`` are the ids of what is there, by path."""

    root: Path
    trees: dict[str, str]
    info: CommitInfo
    used: float = 0.0


@dataclass(frozen=True, slots=True)
class CheckoutPlan:
    """What to check out; ``submodule`` opens the repository of a submodule of one.

    ``former`` is a checkout of another commit, if there is one, to link unchanged files from.
    """

    source: GitSource
    remote: Remote
    sha: str
    limits: Limits
    submodule: Callable[[Remote, str], Remote]
    former: Checkout | None = None

    async def carry_out(self, folder: Path, begin: Callable[[], None]) -> Checkout:
        """Write the files into an empty folder; ``begin`` is called when all is fetched.

        Raises:
            SourceError: what fetching raises, ``SubmoduleFailed``, ``TooLarge``, ``InvalidTree``,
                ``TooManyIgnorePatterns``.
        """
        budget = tree.Budget(self.limits, self.remote.where)
        with ExitStack() as readers:
            root = await self._read(self.remote, self.sha, self.source.ref.name, budget, readers)
            if self.source.recurse_submodules:
                await self._look_into(root, self.remote, budget, readers, depth=1)
            begin()
            former = self.former and Former(self.former.root, self.former.trees)
            ignore = self.source.ignore
            trees = await _in_thread(budget, _write, root, ignore, folder, budget, former)
            info = root.mirror.commits[self.sha] if root.mirror else None
        assert info is not None  # noqa: S101 - tells the type checker what _read does
        return Checkout(folder, trees, info)

    async def _read(
        self, remote: Remote, sha: str, ref: str, budget: tree.Budget, readers: ExitStack
    ) -> tree.Folder:
        readers.enter_context(remote.using())
        mirror = await remote.ensure(sha, ref, self.source.timeout)
        readers.enter_context(mirror.reading())
        return await _in_thread(budget, _read_commit, mirror, sha, budget)

    async def _look_into(
        self,
        folder: tree.Folder,
        remote: Remote,
        budget: tree.Budget,
        readers: ExitStack,
        depth: int,
    ) -> None:
        """Put the files of submodules, and of theirs, in their places."""
        found = {
            path: entry
            for path, entry in tree.walk(folder, own=True)
            if isinstance(entry, tree.Submodule)
        }
        if not found:
            return
        if depth > submodules.DEEPEST:
            raise SourceError(
                "SubmoduleFailed",
                f"{remote.where}: submodules are nested more than {submodules.DEEPEST} deep",
                retryable=False,
            )
        urls = await _in_thread(budget, _read_modules, folder, budget)
        for path, entry in found.items():
            # Without a URL it is an empty folder, as it is for git and Flux.
            if url := urls.get(path):
                with _as_submodule(remote, path):
                    other = self.submodule(remote, submodules.submodule_url(remote.access.url, url))
                    inner = await self._read(other, entry.oid.hex(), "", budget, readers)
                    await self._look_into(inner, other, budget, readers, depth + 1)
                tree.replace(folder, path, inner)


@contextmanager
def _as_submodule(remote: Remote, path: str) -> Iterator[None]:
    try:
        yield
    except SourceError as error:
        if error.reason in {"SubmoduleFailed", "TooLarge"}:
            raise
        raise SourceError(
            "SubmoduleFailed",
            f"{remote.where}: the submodule {path!r} cannot be had ({error.reason}): "
            f"{error.message}",
            retryable=error.retryable,
        ) from None


async def _in_thread(budget: tree.Budget, work: Callable[..., T], *arguments: object) -> T:
    """Run blocking work; when cancelled, see it end before anything is cleaned up."""
    task = asyncio.ensure_future(asyncio.to_thread(work, *arguments))
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        budget.stopped = True
        await asyncio.wait({task})
        task.exception()  # nobody is left to tell
        raise
    except OSError as error:
        raise budget.failed(f"its files cannot be written: {error.strerror}") from None


def _read_commit(mirror: Mirror, sha: str, budget: tree.Budget) -> tree.Folder:
    with mirror.open() as repo:
        folder = tree.read_folder(repo, git.Commit(repo, bytes.fromhex(sha)).tree.binsha, budget)
    folder.mirror = mirror
    return folder


def _read_modules(folder: tree.Folder, budget: tree.Budget) -> dict[str, str]:
    entry = folder.entries.get(submodules.MODULES_FILE)
    if not isinstance(entry, tree.Blob) or folder.mirror is None:
        return {}
    with folder.mirror.open() as repo:
        data = tree.read_small(repo, entry, submodules.LONGEST_MODULES_FILE)
    if data is None:
        raise budget.invalid(f"{submodules.MODULES_FILE} is too large")
    try:
        return submodules.read_modules(data)
    except ValueError as error:
        raise budget.invalid(f"{submodules.MODULES_FILE} cannot be read: {error}") from None


def _write(
    root: tree.Folder,
    spec_ignore: str | None,
    folder: Path,
    budget: tree.Budget,
    former: Former | None,
) -> dict[str, str]:
    """Write what is not ignored; return the ids of what is there."""
    ignore_files: dict[str, str] = {}
    for path, piece in tree.pieces(root):
        ignore_files |= _read_ignore_files(path, piece, budget)
    try:
        ignore = matcher(ignore_files, spec_ignore)
    except ValueError as error:
        raise SourceError("TooManyIgnorePatterns", str(error), retryable=False) from None
    tree.leave_out(root, ignore, budget)
    for path, piece in tree.pieces(root):
        assert piece.mirror is not None  # noqa: S101 - that is what makes it a piece
        with piece.mirror.open() as repo:
            write_folder(repo, piece, folder / path, budget, below=path, former=former)
    for path, entry in tree.walk(root):
        if not isinstance(entry, tree.Blob):
            (folder / path).chmod(0o555)
    return tree.object_ids(root)


def _read_ignore_files(path: str, piece: tree.Folder, budget: tree.Budget) -> dict[str, str]:
    found = [
        (below, entry)
        for below, entry in tree.walk(piece, path, own=True)
        if posixpath.basename(below) == IGNORE_FILE
        and isinstance(entry, tree.Blob)
        and stat.S_ISREG(entry.mode)
    ]
    texts: dict[str, str] = {}
    if found and piece.mirror is not None:
        with piece.mirror.open() as repo:
            for below, entry in found:
                data = tree.read_small(repo, entry, _LONGEST_IGNORE_FILE)
                if data is None:
                    raise budget.invalid(f"{below} is too large")
                texts[posixpath.dirname(below)] = data.decode(errors="surrogateescape")
    return texts


def remove_tree(path: Path) -> None:
    """Remove a checkout, whose folders are read-only; links are never followed."""
    for folder, below, _ in os.walk(path):
        Path(folder).chmod(0o700)
        for name in below:
            inner = Path(folder, name)
            if not inner.is_symlink():
                inner.chmod(0o700)
    shutil.rmtree(path, ignore_errors=True)
