"""Ask the API server once about all that there is to ask, as ``leadsman check`` does."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Collection

    from leadsman.engine.dryrun.confirmer import Confirmer


async def finish(
    work: asyncio.Future[Any], confirmer: Confirmer, tasks: Collection[asyncio.Task[None]]
) -> None:
    """Wait for ``work`` and for all answers; ``tasks``, which may change, are part of it."""
    confirmer.once = True
    confirmer.release()
    asking = asyncio.ensure_future(confirmer.run())
    try:
        await work
        await confirmer.idle()
        while tasks:
            # Answers that leave it to the local comparison may call for evidence.
            await asyncio.gather(*tasks)
            await confirmer.idle()
    finally:
        asking.cancel()
        await asyncio.wait({asking})
