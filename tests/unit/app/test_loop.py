"""What blocks the event loop is seen."""

from __future__ import annotations

import asyncio
import time

from leadsman.app.loop import Lag


def test_each_turn_tells_how_long_it_took() -> None:
    lag, turns, busy = Lag(), list[float](), list[float]()

    def observe(seconds: float, cpu: float) -> None:
        turns.append(seconds)
        busy.append(cpu)

    lag.observe = observe

    async def block() -> float:
        await asyncio.sleep(0)
        turns.clear()
        busy.clear()
        began = time.perf_counter()
        time.sleep(0.05)  # noqa: ASYNC251 - what must not be done
        await asyncio.sleep(0.2)
        await asyncio.sleep(0)
        return time.perf_counter() - began

    with asyncio.Runner(loop_factory=lag.loop) as runner:
        took = runner.run(block())
    assert turns[0] >= 0.05
    # It slept.
    assert busy[0] < 0.05
    # Waiting for events is no turn.
    assert turns[0] + sum(turns[1:3]) <= took - 0.19
