"""Prometheus' promtool, built once from the module beside this file and kept in the user's cache.

``python -m alerts.promtool`` builds it ahead of the tests and prints its path.
"""

from __future__ import annotations

import sys
from pathlib import Path

from controlplane.gomodule import built

# Without service discovery, which no rule needs and which is most of what there is to compile.
ARGUMENTS = ("-trimpath", "-tags", "remove_all_sd,slicelabels", "-ldflags", "-s -w")


def promtool() -> Path:
    """Return promtool's path; building it takes a minute or two."""
    return built("promtool", Path(__file__).parent, arguments=ARGUMENTS)


if __name__ == "__main__":
    sys.stdout.write(f"{promtool()}\n")
