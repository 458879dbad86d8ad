"""``python -m leadsman`` and the console script ``leadsman``."""

from __future__ import annotations

import sys

from leadsman.cli.main import main

if __name__ == "__main__":
    sys.exit(main())
