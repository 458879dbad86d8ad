"""From the command line's words to a command, and from its end to an exit code."""

from __future__ import annotations

import asyncio
import os
import sys
import threading
import traceback
from typing import TYPE_CHECKING

from leadsman.app.logs import configure
from leadsman.cli.parser import parser, settings_from
from leadsman.errors import LeadsmanError, LeaseLostError

if TYPE_CHECKING:
    from collections.abc import Sequence

# What could not be checked, by the contract of ``leadsman check``.
FAILED = 2
# ``leadsman run``: another process may have taken over. As programs on client-go end.
LEASE_LOST = 1
# As shells say it: 128 and the signal's number, SIGINT's and SIGPIPE's.
_INTERRUPTED = 130
_PIPE_CLOSED = 141
# The API server takes JSON of 10,000 levels, and kopf reads it with a decoder that recurses: with
# Python's 1,000 one such DriftCheck would hide all others. Tried to fit into a stack of 8 MiB.
_DEEPEST = 25_000
# Bytes of stack for each thread, which need it when they decode as deep; none is used before.
_STACK = 64 * 1024 * 1024


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command and return the process' exit code."""
    options = parser().parse_args(arguments)
    settings = settings_from(options)
    # Each command is imported when it is run: `--help` then answers at once.
    sys.setrecursionlimit(_DEEPEST)
    threading.stack_size(_STACK)
    try:
        from leadsman.app import memory  # noqa: PLC0415 - see above

        if options.command == "run":
            from leadsman.app.loop import Lag  # noqa: PLC0415
            from leadsman.app.operator import run  # noqa: PLC0415

            configure(settings.log_format, settings.log_level)
            memory.set_aside()
            lag = Lag()
            with asyncio.Runner(loop_factory=lag.loop) as runner:
                runner.run(run(settings, lag))
            return 0
        from leadsman.cli.check import check  # noqa: PLC0415 - see above

        configure("text", "info" if options.verbose else "error")
        memory.set_aside()
        return asyncio.run(check(options, settings))
    except LeadsmanError as error:
        print(f"leadsman: {error.reason}: {error.message}", file=sys.stderr)  # noqa: T201 - a CLI
        return LEASE_LOST if isinstance(error, LeaseLostError) else FAILED
    except KeyboardInterrupt:
        return _INTERRUPTED
    except BrokenPipeError:
        # Who reads the output, such as `head`, has seen enough: nothing is left to be flushed.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return _PIPE_CLOSED
    except Exception:  # noqa: BLE001 - Python's exit code of a traceback is 1, which is "drifted"
        traceback.print_exc()
        return FAILED
