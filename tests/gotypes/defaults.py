"""What the API server fills in where nothing is given: ``defaults.json``.

A program of the control plane's own module runs Kubernetes' defaulting functions and conversions,
see ``main.go`` beside it.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from controlplane.gobuild import go
from controlplane.gomodule import required
from controlplane.toolchain import MODULE

if TYPE_CHECKING:
    from collections.abc import Iterable

KUBERNETES = "k8s.io/kubernetes"
# What the program sets a text to; a value that it is found in was taken from elsewhere.
PROBE = ("probe", "cHJvYmU=")
# What the program writes for a time.
NOW = "now"


def generate() -> str:
    """Make the text of ``defaults.json``."""
    # The arguments are those of the control plane's build, whose packages are in Go's cache.
    seen = json.loads(go("run", "-trimpath", "./defaults", folder=MODULE))
    written: dict[str, dict[str, Any]] = {}
    derived: dict[str, list[str]] = {}
    now: dict[str, list[str]] = {}
    for name, fields in sorted(seen.items()):
        for field, seen_values in sorted(fields.items()):
            values = [value for value in seen_values if value is not None]
            if values == [NOW]:
                now.setdefault(name, []).append(field)
            elif len(values) > 1 or _is_taken(values):
                derived.setdefault(name, []).append(field)
            elif values:
                written.setdefault(name, {})[field] = values[0]
    parts = {
        "note": json.dumps("Made by `make generate`, see tests/gotypes; not to be edited."),
        "made from": json.dumps({KUBERNETES: required(MODULE, KUBERNETES)}),
        "written": _table(written.items()),
        "derived": _table((name, " ".join(fields)) for name, fields in derived.items()),
        "now": _table((name, " ".join(fields)) for name, fields in now.items()),
    }
    return (
        "{\n" + ",\n".join(f" {json.dumps(key)}: {text}" for key, text in parts.items()) + "\n}\n"
    )


def _is_taken(values: list[Any]) -> bool:
    """Tell whether a value is another field's."""
    text = json.dumps(values)
    # 7 is what the program sets a number or a quantity to.
    return any(probe in text for probe in PROBE) or values == [7] or '"7"' in text


def _table(rows: Iterable[tuple[str, Any]]) -> str:
    """Write a table with one line per type."""
    lines = [f"  {json.dumps(name)}: {json.dumps(row)}" for name, row in rows]
    return "{\n" + ",\n".join(lines) + "\n }"
