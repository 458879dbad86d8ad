"""How many turns there are, by the loop's clock."""

from __future__ import annotations

import asyncio

from leadsman.engine.reporting.pace import Pace


async def test_a_burst_waits_for_nothing() -> None:
    pace = Pace(rate=0.001, burst=3)
    async with asyncio.timeout(5):
        for _ in range(3):
            await pace.turn()


async def test_after_it_turns_come_at_the_rate() -> None:
    pace = Pace(rate=100.0, burst=1)
    loop = asyncio.get_running_loop()
    began = loop.time()
    for _ in range(6):
        await pace.turn()
    assert loop.time() - began >= 0.05


async def test_who_waits_too_long_and_gives_up_spends_his_turn_all_the_same() -> None:
    pace = Pace(rate=0.001, burst=1)
    await pace.turn()
    waits = [asyncio.create_task(pace.turn()) for _ in range(2)]
    await asyncio.sleep(0)
    waits[0].cancel()
    await asyncio.wait(waits, timeout=0.01)
    assert waits[0].cancelled()
    assert not waits[1].done()
    waits[1].cancel()
