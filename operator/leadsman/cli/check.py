"""``leadsman check``: the engine, run once."""

from __future__ import annotations

import asyncio
import sys
import time
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from rich.console import Console

from leadsman.app.parts import make_parts
from leadsman.cli.local import with_flags
from leadsman.cli.output import print_data, print_table
from leadsman.cli.selection import selected
from leadsman.model.status import Verdict

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterable

    from leadsman.app.parts import Parts
    from leadsman.cli.selection import Selection
    from leadsman.model.status import TargetStatus
    from leadsman.settings import Settings

_EXIT_CODES = {Verdict.IN_SYNC: 0, Verdict.DRIFTED: 1, Verdict.UNKNOWN: 2}
# Seconds between two pictures of the progress line.
_REFRESH = 0.1


async def check(options: argparse.Namespace, settings: Settings) -> int:
    """Check what the options name, print how it stands, and return the exit code.

    Raises:
        LeadsmanError: nothing could be checked at all.

    """
    with TemporaryDirectory(prefix="leadsman-", ignore_cleanup_errors=True) as folder:
        statuses = await _statuses(options, settings, Path(folder))
    if options.output == "table":
        print_table(statuses, sys.stdout)
    else:
        print_data(statuses, options.output, sys.stdout, time.time())
    return exit_code(statuses)


async def _statuses(
    options: argparse.Namespace, settings: Settings, folder: Path
) -> list[TargetStatus]:
    async with make_parts(settings, folder) as parts:
        await parts.discovery.refresh()
        selection = await selected(options, parts)
        if options.ignore_added:
            targets = [replace(target, report_added=False) for target in selection.targets]
            selection = replace(selection, targets=targets)
        statuses = await _checked(parts, selection)
        return sorted(map(with_flags, statuses), key=lambda status: status.key)


def exit_code(statuses: Iterable[TargetStatus]) -> int:
    """Return 0 where all is in sync, 1 where something drifted, 2 where something is unknown.

    As with diff(1), trouble is said before a difference: a drifted target is found again by the
    next run, one that could not be checked may hide anything. A target that is known to have
    drifted though not all of it could be looked at counts as both.
    """
    codes = [
        _EXIT_CODES[Verdict.UNKNOWN] if status.failure is not None else _EXIT_CODES[status.verdict]
        for status in statuses
    ]
    return max(codes, default=0)


async def _checked(parts: Parts, selection: Selection) -> list[TargetStatus]:
    console = Console(stderr=True)
    engine = parts.engine
    engine.restore(selection.reported)
    work = asyncio.ensure_future(engine.check_once(selection.targets, selection.refused))
    if not console.is_terminal:
        return await work
    with console.status("checking") as line:
        while not work.done():
            done = sum(state.settled for state in engine.states.values())
            line.update(f"checking: {done} of {len(engine.states)} targets")
            await asyncio.wait([work], timeout=_REFRESH)
    return await work
