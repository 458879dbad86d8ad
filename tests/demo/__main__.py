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


def main() -> int:
    """Run the demo; 0 says that every step has come true."""
    # A polite kill is Ctrl-C: what was set up is taken down.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    began = time.monotonic()
    show = Show()
    try:
        with stage(show, os.environ.get("CONTEXT", "")) as stood:
            try:
                play(stood)
            except (AssertionError, DemoError) as error:
                show.failed(f"The demo has failed: {error}")
                show.note("\nThe operator said last:")
                show.output("\n".join(stood.operator.lines()[-_LOG_LINES:]))
                return 1
            further(show)
            if os.environ.get("KEEP", "") not in {"", "0"}:
                keep(stood)
    except KeyboardInterrupt:
        show.failed("Interrupted.")
        return 130
    except (DemoError, GoError, AssertionError, OSError, subprocess.SubprocessError) as error:
        show.failed(f"The demo could not be set up, or not cleaned up: {error}")
        return 1
    show.good(f"All of it came true, and is gone again; {time.monotonic() - began:.0f} s in all")
    return 0


if __name__ == "__main__":
    sys.exit(main())
