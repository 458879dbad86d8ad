"""What is made once and kept in the user's cache folder, under a name that says what it is."""

from __future__ import annotations

import fcntl
import os
import shutil
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping


def cache_folder(environment: Mapping[str, str] = os.environ) -> Path:
    """The user's cache folder of this project, by the XDG Base Directory Specification."""
    base = environment.get("XDG_CACHE_HOME", "")
    # The specification wants a path that is not absolute to be ignored.
    root = Path(base) if base.startswith("/") else Path(environment.get("HOME", "/")) / ".cache"
    return root / "leadsman"


def once(folder: Path, make: Callable[[Path], None]) -> Path:
    """Return ``folder``; if it is not there, let ``make`` fill an empty folder and move it there.

    Of several processes that want the same folder one makes it and the others wait. A folder that
    is there is complete, however a run that made it ended.
    """
    if folder.is_dir():
        return folder
    folder.parent.mkdir(parents=True, exist_ok=True)
    with folder.with_name(f"{folder.name}.lock").open("w") as lock:
        _wait(lock.fileno(), folder)
        if folder.is_dir():
            return folder
        prefix = f"{folder.name}.making-"
        for left in folder.parent.glob(f"{prefix}*"):
            shutil.rmtree(left)
        making = Path(tempfile.mkdtemp(prefix=prefix, dir=folder.parent))
        try:
            make(making)
            making.chmod(0o755)
            making.rename(folder)
        finally:
            shutil.rmtree(making, ignore_errors=True)
    return folder


def _wait(lock: int, folder: Path) -> None:
    """Lock a file until it is closed; say so if somebody else has it."""
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        sys.stderr.write(f"Another process is making {folder}: waiting for it\n")
        fcntl.flock(lock, fcntl.LOCK_EX)
