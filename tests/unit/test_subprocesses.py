from __future__ import annotations

import asyncio

from leadsman.subprocesses import reap


async def test_what_prints_more_than_anybody_reads_is_reaped() -> None:
    process = await asyncio.create_subprocess_exec(
        "yes", stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
    )
    assert process.stdout is not None
    # Until asyncio has stopped reading, which it does at twice the reader's limit of 64 KiB.
    while not vars(process.stdout)["_paused"]:  # noqa: ASYNC110 - it tells nobody
        await asyncio.sleep(0.01)
    process.kill()
    await asyncio.wait_for(reap(process), 30)
    assert process.returncode == -9
