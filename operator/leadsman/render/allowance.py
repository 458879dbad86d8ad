"""How much YAML one render may have this process hold, so that no repository takes its memory.

What costs memory and time is not bytes but values: 8 MB of custom resource definitions are 0.1
million of them and take 8 MiB and half a second, 8 MB of ``{a},`` are 6 million and take 400 MiB
and 5 seconds. One value costs about 75 bytes in YAML, 140 in JSON.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

# 60 MB of custom resource definitions; 75 to 150 MiB at the worst.
MOST_VALUES: Final = 1_000_000
# What the renderers' output may be, too: see sandbox.Limits.
MOST_TEXT: Final = 64 << 20
# Ten times an object that etcd takes; the largest bundles of definitions are 5 to 10 MiB.
LARGEST_FILE: Final = 16 << 20
# A document costs as much as so many values.
DOCUMENT: Final = 10


@dataclass(slots=True)
class Allowance:
    """What is left: ``values``, and ``text`` in characters, aliases unfolded in both."""

    values: int = MOST_VALUES
    text: int = MOST_TEXT

    def take(self, values: int, text: int) -> None:
        """Take what was read off what is left. Raises ValueError where that is not enough."""
        self.values -= values
        self.text -= text
        if self.values < 0:
            raise ValueError(f"more than {MOST_VALUES:,} values are too many to read")
        if self.text < 0:
            raise ValueError(f"more than {MOST_TEXT >> 20} MiB of text are too much to read")
