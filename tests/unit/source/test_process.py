from __future__ import annotations

import asyncio
import contextlib
import os
from pathlib import Path

import pytest

from leadsman.errors import SourceError
from leadsman.source.process import Finished, run


async def shell(script: str, tmp_path: Path, **options: object) -> Finished:
    return await run(
        ["sh", "-c", script],
        environment={"PATH": os.environ["PATH"]},
        folder=tmp_path,
        where="https://x/a.git",
        **options,  # type: ignore[arg-type]
    )


def alive(pid: int) -> bool:
    try:
        return "\nState:\tZ" not in Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return False


async def ended(pids: list[int]) -> bool:
    """Whether the processes are gone within ten seconds: SIGKILL is obeyed only at their turn."""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(10):
            while any(map(alive, pids)):  # noqa: ASYNC110 - /proc tells, and wakes no one
                await asyncio.sleep(0.01)
            return True
    return False


async def test_output_and_code_are_returned(tmp_path: Path) -> None:
    done = await shell("echo out; echo err >&2; exit 3", tmp_path)
    assert done == Finished(3, b"out\n", "err\n")


async def test_only_the_environment_that_is_given_is_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LEADSMAN_TEST", "seen")
    assert (await shell('echo "$LEADSMAN_TEST$PWD"', tmp_path)).stdout.decode().strip() == str(
        tmp_path
    )


async def test_too_much_output_is_an_error_and_too_many_complaints_are_cut(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="over the limit of 1000 bytes") as raised:
        await shell("yes", tmp_path, stdout_limit=1000)
    assert raised.value.reason == "TooLarge"
    done = await shell("echo begin >&2; yes | head -c 300000 >&2", tmp_path)
    assert done.stderr.startswith("begin\n")
    assert len(done.stderr) == 64 << 10


async def test_cancelling_ends_the_children_too(tmp_path: Path) -> None:
    pids = tmp_path / "pids"
    script = f"sleep 600 & sleep 600 & echo $! $$ > {pids}; wait"
    task = asyncio.create_task(shell(script, tmp_path))
    while not (pids.exists() and pids.read_text().endswith("\n")):  # noqa: ASYNC110 - a file tells
        await asyncio.sleep(0.01)
    started = [int(pid) for pid in pids.read_text().split()]
    assert all(map(alive, started))
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert await ended(started)


@pytest.mark.parametrize("turns", range(6))
async def test_cancelling_while_it_starts_ends_the_children_too(tmp_path: Path, turns: int) -> None:
    pids = tmp_path / "pids"
    script = f"sleep 600 & echo $! $$ > {pids}; wait"
    task = asyncio.create_task(shell(script, tmp_path))
    for _ in range(turns):
        await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asyncio.wait_for(task, 30)
    started = [int(pid) for pid in pids.read_text().split()] if pids.exists() else []
    assert await ended(started)


async def test_a_watch_can_end_it(tmp_path: Path) -> None:
    calls = 0

    def watch() -> None:
        nonlocal calls
        calls += 1
        if calls == 2:
            raise LookupError

    with pytest.raises(LookupError):
        await shell("sleep 600", tmp_path, watch=watch)


async def test_a_program_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="no-such-program cannot be started: No such file"):
        await run(["no-such-program"], environment={}, folder=tmp_path, where="x")
