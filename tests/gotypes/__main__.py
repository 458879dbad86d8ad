"""Make the package's data about Go types, or check that it is current."""

import sys

from . import KEPT, generate, outdated

if sys.argv[1:] == ["--check"]:
    found = list(outdated())
    sys.exit("\n".join([*found, "Run `make generate`."]) if found else 0)
KEPT.write_text(generate())
