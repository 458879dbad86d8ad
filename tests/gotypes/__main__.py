"""Make the package's data about Go types, or check that it is current."""

import sys

from . import DATA, KEPT, defaults, generate, outdated

DEFAULTS = DATA / "defaults.json"

if sys.argv[1:] == ["--check"]:
    found = list(outdated())
    if DEFAULTS.read_text() != defaults.generate():
        found.append(f"{DEFAULTS.name} does not say what the defaulting functions do")
    sys.exit("\n".join([*found, "Run `make generate`."]) if found else 0)
KEPT.write_text(generate())
DEFAULTS.write_text(defaults.generate())
