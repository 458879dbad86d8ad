"""Prometheus' promtool, built once from the module beside this file and kept in the user's cache.

``python -m alerts.promtool`` builds it ahead of the tests and prints its path.
"""

from __future__ import annotations

import hashlib
import platform
import sys
from pathlib import Path

from controlplane.cache import cache_folder, once
from controlplane.gobuild import GO_VERSION, go
from controlplane.progress import Progress

MODULE = Path(__file__).parent
# Without service discovery, which no rule needs and which is most of what there is to compile.
ARGUMENTS = ("-trimpath", "-tags", "remove_all_sd,slicelabels", "-ldflags", "-s -w")


def promtool() -> Path:
    """Return promtool's path; building it takes a minute or two."""
    return once(cache_folder() / f"promtool-{_fingerprint()}", _build) / "promtool"


def _fingerprint() -> str:
    """Hash everything that decides what is built."""
    digest = hashlib.sha256()
    for name in ("go.mod", "go.sum"):
        digest.update((MODULE / name).read_bytes())
    for word in (GO_VERSION, sys.platform, platform.machine(), *ARGUMENTS):
        digest.update(word.encode() + b"\0")
    return digest.hexdigest()[:16]


def _build(folder: Path) -> None:
    with Progress("Building promtool") as progress:

        def on_line(line: str) -> None:
            progress.detail = line.removeprefix("go: ")

        go("build", "-v", *ARGUMENTS, "-o", f"{folder}/", "tool", folder=MODULE, on_line=on_line)


if __name__ == "__main__":
    sys.stdout.write(f"{promtool()}\n")
