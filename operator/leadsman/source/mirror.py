"""A bare repository of ours that holds the commits that were asked for."""

from __future__ import annotations

import asyncio
import functools
import shutil
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

import git
from git.exc import GitError

from leadsman.errors import SourceError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_MOST_PACKS = 64
_LONGEST_TEXT = 200


@dataclass(frozen=True, slots=True)
class CommitInfo:
    """What is shown of a commit; ``time`` is the committer's, in seconds since the epoch."""

    author: str
    subject: str
    time: float


class Mirror:
    """A bare repository at ``path``; one fetch runs at a time, readers whenever they like.

    ``commits`` are those that were read after a fetch and so are there with all their files.
    """

    def __init__(self, path: Path, program: str, where: str) -> None:
        self.path = path
        self.commits: dict[str, CommitInfo] = {}
        self.lock = asyncio.Lock()
        self._program = program
        self._where = where
        self._readers = 0
        self._damaged = False

    @property
    def exists(self) -> bool:
        """Whether the repository was made."""
        return (self.path / "HEAD").exists()

    @property
    def disposable(self) -> bool:
        """Whether nobody reads from it."""
        return not self._readers

    @property
    def worn(self) -> bool:
        """Whether it is better to begin anew: it is damaged, or full of many fetches' packs."""
        return self._damaged or len(list(self.path.glob("objects/pack/*.pack"))) >= _MOST_PACKS

    @contextmanager
    def reading(self) -> Iterator[None]:
        """Keep what is there while the block runs."""
        self._readers += 1
        try:
            yield
        finally:
            self._readers -= 1

    @contextmanager
    def open(self) -> Iterator[git.Repo]:
        """Open the repository for reading objects; not for use by two threads at once.

        Raises:
            SourceError: ``GitFailed``, where an object is not there; the next fetch begins anew.
        """
        try:
            with _repo_type(self._program)(self.path, expand_vars=False) as repo:
                repo.git.update_environment(
                    GIT_DIR=str(self.path),
                    GIT_CONFIG_NOSYSTEM="1",
                    GIT_CONFIG_GLOBAL="/dev/null",
                    GIT_NO_REPLACE_OBJECTS="1",
                )
                yield repo
        except (GitError, ValueError) as error:
            self._damaged = True
            self.commits.clear()
            raise SourceError(
                "GitFailed",
                f"{self._where}: what was fetched is damaged and is fetched anew: "
                f"{_one_line(str(error))}",
            ) from None

    def read_commit(self, sha: str) -> CommitInfo | None:
        """Read a commit, or return None if there is no commit of that id."""
        with self.open() as repo:
            binsha = bytes.fromhex(sha)
            try:
                kind = repo.odb.info(binsha).type
            except ValueError:
                return None
            if kind != b"commit":
                return None
            return describe(git.Commit(repo, binsha))

    def size(self) -> int:
        """Return the bytes that the objects take on disk, half-fetched ones too."""
        sizes = 0
        for path in self.path.glob("objects/pack/*"):
            # git renames and removes its temporary files meanwhile
            with suppress(FileNotFoundError):
                sizes += path.stat().st_size
        return sizes

    def tidy(self) -> None:
        """Remove what a git that was killed has left behind."""
        for pattern in ("objects/pack/tmp_*", "objects/pack/*.keep", "shallow_*", "**/*.lock"):
            for path in self.path.glob(pattern):
                path.unlink(missing_ok=True)

    def clear(self) -> None:
        """Begin anew."""
        self._damaged = False
        self.commits.clear()
        shutil.rmtree(self.path, ignore_errors=True)


def describe(commit: git.Commit) -> CommitInfo:
    """Return what is shown of a commit."""
    return CommitInfo(
        author=_one_line(commit.author.name or commit.author.email or ""),
        subject=_one_line(_subject(commit.message)),
        time=float(commit.committed_date),
    )


@functools.cache
def _repo_type(program: str) -> type[git.Repo]:
    """Return GitPython's repository, made to run a certain git without changing it for others."""

    class Program(git.Git):
        GIT_PYTHON_GIT_EXECUTABLE = program

    class Repository(git.Repo):
        GitCommandWrapperType = Program

    return Repository


def _subject(message: str | bytes) -> str:
    """Return the first paragraph, which is what git calls the subject."""
    text = message.decode(errors="replace") if isinstance(message, bytes) else message
    return text.strip().partition("\n\n")[0]


def _one_line(text: str) -> str:
    """Return a text that can be shown and stored anywhere, on one line and not too long."""
    line = " ".join(text.split()).encode(errors="replace").decode()
    line = "".join(c if c.isprintable() else "?" for c in line)
    return line if len(line) <= _LONGEST_TEXT else line[: _LONGEST_TEXT - 1] + "…"
