"""Paths within a checkout: where they lead, and which of them a render reads."""

from __future__ import annotations

import difflib
import os
import posixpath
from pathlib import Path
from typing import TYPE_CHECKING, Final

from leadsman.errors import RenderError
from leadsman.render.allowance import LARGEST_FILE

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_SHOWN: Final = 8


class Checkout:
    """A checkout's files, by paths relative to its root, which is ``""``.

    ``inputs`` is what a render reads: files, folders with all in them, and paths at which it relies
    on that there is nothing. What cannot be told for certain is told by the root.
    """

    def __init__(self, root: Path) -> None:
        self.root = Path(os.path.realpath(root))
        self._noted: set[str] = set()
        # Folders on the way to what was looked for, and those that hold what was read.
        self._passed: set[str] = set()
        self._held: set[str] = set()

    @property
    def inputs(self) -> frozenset[str]:
        """What was noted so far; Git's ids at these paths tell all that a render depends on."""
        # Were a folder a link in another commit, Git would still have nothing at a path below it,
        # and there might be something. Where a file in it was read, that one would be gone.
        return frozenset(self._noted | (self._passed - self._held))

    def note(self, path: str) -> None:
        """Note that a file, or a folder with all in it, is read. It is located, and there."""
        self._noted.add(path)
        while path:
            path = posixpath.dirname(path)
            self._held.add(path)

    def locate(self, path: str, *, folder: str = "", named_by: str = "", note: bool = True) -> str:
        """Return the real path of what ``path``, relative to ``folder``, leads to.

        It is noted as read unless ``note`` is false. ``named_by`` says in errors where the path
        stands.

        Raises:
            RenderError: PathOutside or PathNotFound.

        """
        joined = posixpath.normpath(posixpath.join("/", folder, path))[1:]
        prefix = f"{named_by}: " if named_by else ""
        if path.startswith("/") or _climbs(folder, path):
            raise outside(f"{prefix}{path} leads out of the repository")
        relative = self.resolve(joined, prefix)
        if not os.path.exists(self.root / relative):  # noqa: PTH110 - a Path's would be the same
            missing = (
                "is a symbolic link to what is not in the repository"
                if os.path.islink(self.root / joined)  # noqa: PTH114 - the same
                else f"is not in the repository{self._nearby(joined)}"
            )
            raise RenderError("PathNotFound", f"{prefix}{joined or '.'} {missing}", retryable=False)
        if relative != joined:
            # Git's id of a link is of its text, not of what it leads to.
            self.note("")
        elif note:
            self.note(relative)
        return relative

    def resolve(self, path: str, prefix: str = "") -> str:
        """Return where a path from the root leads, be anything there or not.

        So an error tells nothing of the files of this machine. ``prefix`` begins its message.

        Raises:
            RenderError: PathOutside.

        """
        relative = self.relative(os.path.realpath(self.root / path.replace("\0", "�")))
        if relative is None:
            raise outside(f"{prefix}{path} is a symbolic link that leads out of the repository")
        return relative

    def relative(self, real: str | Path) -> str | None:
        """Return a resolved absolute path from the root on, None for one that is outside."""
        if not Path(real).is_relative_to(self.root):
            return None
        found = os.path.relpath(real, self.root)
        return "" if found == "." else found

    def exists(self, path: str) -> bool:
        """Say whether there is a file at a path; what says so is noted, be there one or not.

        A link that leads out of the repository is one, whatever it leads to: who locates it is
        refused.
        """
        path = posixpath.normpath(posixpath.join("/", path.replace("\0", "�")))[1:]
        # What was passed is a folder and no link, and files stay as they are: to walk down a deep
        # tree is not to begin at its top each time.
        found = posixpath.dirname(path)
        while found and found not in self._passed:
            found = posixpath.dirname(found)
        for part in path[len(found) :].lstrip("/").split("/"):
            found = posixpath.join(found, part)
            full = self.root / found
            if os.path.islink(full):  # noqa: PTH114 - says no of an impossible name
                # As in ``locate``. What it leads to may come and go as the link itself stays.
                self.note("")
                real = self.relative(os.path.realpath(self.root / path))
                return real is None or os.path.isfile(self.root / real)  # noqa: PTH113 - the same
            if not self.is_folder(found):
                return self._is_file(found) and found == path
            if found:
                self._passed.add(found)
        return False

    def _is_file(self, path: str) -> bool:
        """Note what is, or is not, where folders end."""
        if os.path.isfile(self.root / path):  # noqa: PTH113 - says no of an impossible name
            self.note(path)
            return True
        self._noted.add(path)
        return False

    def is_folder(self, path: str) -> bool:
        """Say whether a located path is a folder."""
        return os.path.isdir(self.root / path)  # noqa: PTH112 - says no of an impossible name

    def read(self, path: str) -> bytes:
        """Return the content of a located file. Raises RenderError."""
        try:
            with (self.root / path).open("rb") as file:
                data = file.read(LARGEST_FILE + 1)
        except OSError as error:
            raise RenderError(
                "FileNotAccessible", f"{path} cannot be read: {error.strerror}"
            ) from error
        if len(data) > LARGEST_FILE:
            raise RenderError(
                "RenderTooLarge",
                f"{path} is larger than {LARGEST_FILE >> 20} MiB, more than is read of one file: "
                "split it, or leave it out of what is rendered",
                retryable=False,
            )
        return data

    def links(self, folder: str) -> Iterator[str]:
        """Yield the symbolic links in a folder, and in folders of the repository they lead to.

        If there are any, the whole repository counts as read.
        """
        seen: set[str] = set()
        waiting = [folder]
        while waiting:
            current = waiting.pop()
            if current in seen:
                continue
            seen.add(current)
            for entry in list_folder(self.root / current):
                path: str | None = posixpath.join(current, entry.name)
                if entry.is_symlink():
                    self.note("")
                    yield posixpath.join(current, entry.name)
                    path = self.relative(os.path.realpath(entry.path))
                if path is not None and self.is_folder(path):
                    waiting.append(path)

    def _nearby(self, path: str) -> str:
        """Say what there is instead, in the deepest folder that is there."""
        folder, missing = posixpath.split(path)
        while folder and not self.is_folder(folder):
            folder, missing = posixpath.split(folder)
        try:
            names = [
                entry.name + "/" * entry.is_dir()
                for entry in list_folder(self.root / folder)
                if not entry.name.startswith(".")
            ]
        except OSError:
            return ""
        where = folder or "its root"
        if not names:
            return f"; {where} is empty"
        alike = difflib.get_close_matches(missing, [name.rstrip("/") for name in names], n=1)
        if alike:
            return f"; is {posixpath.join(folder, alike[0])} meant?"
        shown = [name for name in names if name.endswith("/")] or names
        more = f" and {len(shown) - _SHOWN} more" if len(shown) > _SHOWN else ""
        return f"; {where} has {', '.join(shown[:_SHOWN])}{more}"


def list_folder(folder: Path) -> list[os.DirEntry[str]]:
    """Return what is in a folder, by name. Raises OSError."""
    with os.scandir(folder) as entries:
        return sorted(entries, key=lambda entry: entry.name)


def walk(
    top: Path, wanted: Callable[[str, os.DirEntry[str]], bool]
) -> Iterator[tuple[str, os.DirEntry[str]]]:
    """Yield what is below a folder and is no folder, by name, with its path relative to ``top``.

    ``wanted`` says of each folder whether it is looked into. Raises OSError.
    """
    # No recursion, because folders may be nested deeper than Python's stack is.
    waiting = [("", entry) for entry in reversed(list_folder(top))]
    while waiting:
        folder, entry = waiting.pop()
        path = posixpath.join(folder, entry.name)
        if not entry.is_dir(follow_symlinks=False):
            yield path, entry
        elif wanted(path, entry):
            waiting += [(path, below) for below in reversed(list_folder(Path(entry.path)))]


def outside(message: str) -> RenderError:
    """Return the error for what is not within the repository."""
    return RenderError(
        "PathOutside", f"{message}: only what is in the repository is rendered", retryable=False
    )


def _climbs(folder: str, path: str) -> bool:
    """Say whether a relative path leaves the root on its way, as far as its text tells."""
    depth = len(folder.split("/")) if folder else 0
    for part in path.split("/"):
        if part == "..":
            depth -= 1
        elif part not in {"", "."}:
            depth += 1
        if depth < 0:
            return True
    return False
