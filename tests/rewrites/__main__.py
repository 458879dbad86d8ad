"""Check ``docs/rewrites.json`` against real control planes: with our own objects, or with --all.

It fails on what no entry accounts for, and, with --all and LEADSMAN_CORPUS, on an entry that was
not met.
"""

import os
import sys

from controlplane.toolchain import resolve
from inputs import corpus

from .collect import collect, slice_, whole
from .explain import entries, explain


def main() -> int:
    """Collect, explain, and say what is left over."""
    everything = "--all" in sys.argv[1:]
    os.environ["PATH"] = resolve().search_path()
    known = entries()
    strange: dict[tuple[str, str], tuple[int, str]] = {}
    count = 0
    for rewrite in collect(whole() if everything else slice_(), sys.stderr.write):
        count += 1
        if explain(rewrite, known) is None:
            key = (rewrite.place, rewrite.change)
            strange[key] = (strange.get(key, (0, ""))[0] + 1, str(rewrite))
    for times, text in strange.values():
        print(f"no entry for {times} x {text}")
    unseen = [f"{one.name}: {what}" for one in known for what in one.unseen()]
    if everything and corpus() is not None:
        for text in unseen:
            print(f"not met: {text}")
    else:
        unseen = []
    print(f"rewrites={count} entries={len(known)} unexplained={len(strange)} unmet={len(unseen)}")
    return 1 if strange or unseen else 0


sys.exit(main())
