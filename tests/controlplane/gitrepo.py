"""Bare Git repositories for tests: commits, branches and tags without a working tree.

repository = Repository.create(folder / "shop.git", {"app.yaml": "..."})
repository.commit({"app.yaml": "changed", "old.yaml": None}, message="Drop old")
repository.tag("v1.0.0")
"""

from __future__ import annotations

import os
import stat
import subprocess
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Self, TypeAlias

DEFAULT_AUTHOR = "Ada Example <ada@example.com>"


@dataclass(frozen=True, slots=True)
class Link:
    """A symbolic link to ``target``, as the content of a path."""

    target: str


@dataclass(frozen=True, slots=True)
class Submodule:
    """A submodule's pinned commit, as the content of a path; ``.gitmodules`` is a file apart."""

    commit: str


@dataclass(frozen=True, slots=True)
class Script:
    """An executable file, as the content of a path."""

    text: str | bytes


# What a commit puts at a path; None removes the path, or everything below it.
Content: TypeAlias = str | bytes | Script | Link | Submodule | None
Files: TypeAlias = Mapping[str, Content]


def git_environment(**more: str) -> dict[str, str]:
    """The environment for a ``git`` that neither reads the user's settings nor prompts."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    return {
        **kept,
        "GIT_CONFIG_GLOBAL": os.devnull,
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_TERMINAL_PROMPT": "0",
        **more,
    }


@dataclass(frozen=True, slots=True)
class Repository:
    """A bare repository at ``path``; commits go to ``main`` unless said otherwise."""

    path: Path

    @classmethod
    def create(cls, path: Path, content: Files | Path | None = None) -> Self:
        """Make a repository whose first commit holds ``content``: files, or a folder's."""
        repository = cls(path)
        path.mkdir(parents=True)
        repository.git("init", "--quiet", "--bare", "--initial-branch=main", ".")
        # What the big forges allow: fetching any commit by its name, and partial clones.
        repository.git("config", "uploadpack.allowAnySHA1InWant", "true")
        repository.git("config", "uploadpack.allowFilter", "true")
        if isinstance(content, Path):
            repository.commit_folder(content, message="First commit")
        elif content is not None:
            repository.commit(content, message="First commit")
        return repository

    @property
    def name(self) -> str:
        return self.path.name

    def git(self, *arguments: str, stdin: str | bytes = b"", **environment: str) -> str:
        """Run ``git`` in the repository and return what it prints, stripped."""
        done = subprocess.run(
            ["git", *arguments],
            cwd=self.path,
            env=git_environment(**environment),
            input=stdin.encode() if isinstance(stdin, str) else stdin,
            capture_output=True,
            check=False,
        )
        if done.returncode:
            command = " ".join(arguments)
            raise RuntimeError(f"git {command}: {done.stderr.decode(errors='replace').strip()}")
        return done.stdout.decode().strip()

    def head(self, ref: str = "main") -> str:
        """The full commit id that a branch, tag or other ref stands for."""
        return self.git("rev-parse", "--verify", f"{ref}^{{commit}}")

    def has(self, ref: str) -> bool:
        return bool(self.git("for-each-ref", ref))

    def commit(
        self,
        files: Files,
        *,
        message: str = "Change",
        branch: str = "main",
        author: str = DEFAULT_AUTHOR,
        when: float | None = None,
    ) -> str:
        """Commit changed files on top of a branch, which is made if need be; return the id.

        Paths that are not in ``files`` stay as they are. ``when`` is in seconds since the epoch.
        """
        ref = f"refs/heads/{branch}"
        name, _, email = author.partition(" <")
        date = int(time.time() if when is None else when)
        stream = [
            f"commit {ref}\ncommitter {name} <{email.rstrip('>')}> {date} +0000\n".encode(),
            _data(message.encode()),
        ]
        if self.has(ref):
            stream.append(f"from {ref}^0\n".encode())
        stream += [_change(path, content) for path, content in files.items()]
        self.git("fast-import", "--quiet", "--force", stdin=b"".join(stream))
        return self.head(ref)

    def commit_folder(
        self,
        folder: Path,
        *,
        below: str = "",
        message: str = "Change",
        branch: str = "main",
        author: str = DEFAULT_AUTHOR,
        when: float | None = None,
    ) -> str:
        """Commit what ``folder`` holds, ignored files too, in the place of what is ``below``."""
        files: dict[str, Content] = {below: None}
        for path in sorted(folder.rglob("*")):
            name = (Path(below) / path.relative_to(folder)).as_posix()
            if path.is_symlink():
                files[name] = Link(str(path.readlink()))
            elif path.is_file():
                executable = path.stat().st_mode & stat.S_IXUSR
                files[name] = Script(path.read_bytes()) if executable else path.read_bytes()
        return self.commit(files, message=message, branch=branch, author=author, when=when)

    def branch(self, name: str, at: str = "main") -> str:
        """Create a branch, or move it, to where ``at`` is."""
        return self.update_ref(f"refs/heads/{name}", at)

    def delete_branch(self, name: str) -> None:
        self.git("update-ref", "-d", f"refs/heads/{name}")

    def tag(self, name: str, at: str = "main", message: str = "") -> str:
        """Create or move a tag, an annotated one if it has a message; return the commit's id."""
        if not message:
            return self.update_ref(f"refs/tags/{name}", at)
        tagger = {"GIT_COMMITTER_NAME": "Ada Example", "GIT_COMMITTER_EMAIL": "ada@example.com"}
        self.git("tag", "--force", "-a", "-m", message, name, at, **tagger)
        return self.head(f"refs/tags/{name}")

    def delete_tag(self, name: str) -> None:
        self.git("update-ref", "-d", f"refs/tags/{name}")

    def update_ref(self, ref: str, at: str) -> str:
        """Point a full ref name, such as ``refs/pull/1/head``, to where ``at`` is."""
        commit = self.head(at)
        self.git("update-ref", ref, commit)
        return commit

    def default_branch(self, name: str) -> None:
        """Make a branch the one that HEAD names, so what a clone checks out."""
        self.git("symbolic-ref", "HEAD", f"refs/heads/{name}")


def _change(path: str, content: Content) -> bytes:
    """One path's change in the language of ``git fast-import``."""
    quoted = '"' + path.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n") + '"'
    match content:
        case None:
            return f"D {quoted}\n".encode() if path else b"deleteall\n"
        case Submodule(commit):
            return f"M 160000 {commit} {quoted}\n".encode()
        case Link(target):
            mode, data = "120000", target.encode()
        case Script(text):
            mode, data = "100755", text.encode() if isinstance(text, str) else text
        case str():
            mode, data = "100644", content.encode()
        case _:
            mode, data = "100644", content
    return f"M {mode} inline {quoted}\n".encode() + _data(data)


def _data(data: bytes) -> bytes:
    return b"data %d\n%b\n" % (len(data), data)
