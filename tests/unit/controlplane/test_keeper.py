"""Nothing outlives who started it."""

from __future__ import annotations

import os
import signal
from pathlib import Path

from controlplane.keeper import Keeper
from controlplane.waiting import eventually


def test_an_orderly_end_leaves_neither_process_nor_file() -> None:
    keeper = Keeper("keeper-test-")
    with (keeper.folder / "log").open("wb") as log:
        # One that ignores a polite request, and has a child.
        process = keeper.start(
            ["sh", "-c", "trap '' TERM; sleep 600 & echo $!; wait"], log, dict(os.environ)
        )
    child = int(eventually((keeper.folder / "log").read_text))
    keeper.end()
    assert process.returncode == -signal.SIGKILL
    assert not Path(f"/proc/{child}/exe").exists()
    assert not keeper.folder.exists()


def test_an_end_after_the_watcher_was_killed_is_as_good() -> None:
    keeper = Keeper("keeper-test-")
    with (keeper.folder / "log").open("wb") as log:
        process = keeper.start(["sleep", "600"], log, dict(os.environ))
    os.kill(os.getpgid(process.pid), signal.SIGKILL)
    keeper.end()
    assert process.returncode == -signal.SIGKILL
    assert not keeper.folder.exists()


def test_ending_twice_is_ending_once() -> None:
    keeper = Keeper("keeper-test-")
    keeper.end()
    keeper.end()
    assert not keeper.folder.exists()
