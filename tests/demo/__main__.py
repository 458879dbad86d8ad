"""``python -m demo``: play it, and say whether all of it has come true."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time

from controlplane.gobuild import GoError
from demo.keep import further, keep
from demo.scenes import play
from demo.shell import DemoError
from demo.show import Show
from demo.stage import stage

_LOG_LINES = 15
_SIGNALS = (signal.SIGINT, signal.SIGTERM)


def main() -> int:
    """Run the demo; 0 says that every step has come true, and that all is cleaned up."""
    # A polite kill is Ctrl-C too.
    for number in _SIGNALS:
        signal.signal(number, _interrupt)
    began = time.monotonic()
    show = Show()
    try:
        with stage(show, os.environ.get("CONTEXT", "")) as stood:
            try:
                play(stood)
                show.good(f"All of it came true, {time.monotonic() - began:.0f} s after the start")
                further(show)
                if os.environ.get("KEEP", "") not in {"", "0"}:
                    keep(stood)
            except (AssertionError, DemoError) as error:
                show.failed(f"The demo has failed: {error}")
                show.note("\nThe operator said last:")
                show.output("\n".join(stood.operator.lines()[-_LOG_LINES:]))
                return 1
    except KeyboardInterrupt:
        show.failed("Interrupted.")
        return 130
    except (DemoError, GoError, AssertionError, OSError, subprocess.SubprocessError) as error:
        show.failed(f"The demo could not be set up, or not cleaned up: {error}")
        return 1
    return 0


def _interrupt(_number: int, _frame: object) -> None:
    """Be interrupted, once: what follows is cleaning up, which nothing may interrupt."""
    for number in _SIGNALS:
        signal.signal(number, signal.SIG_IGN)
    raise KeyboardInterrupt


if __name__ == "__main__":
    sys.exit(main())
