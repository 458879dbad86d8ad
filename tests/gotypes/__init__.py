"""What the API server's Go code says and OpenAPI does not, made into data of the package.

    python -m gotypes               # make it anew: `make generate`
    python -m gotypes --check       # fail where it is not what would be made

``defaults.json`` says what is filled in, see ``defaults.py``. ``kept.json`` says which fields keep
their zero. It is made by ``main.go``, once per Kubernetes minor version, from the modules that
``modules/`` pins. Compiling all of them takes minutes where Go's cache has none of it. So the check
runs the program for the control plane's own version alone; of the others it compares the digest,
in the data, of what they were made from: program, pins and checksums decide the result.
"""

from __future__ import annotations

import hashlib
import json
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

from controlplane.gobuild import go
from controlplane.gomodule import required
from controlplane.toolchain import MODULE as CONTROL_PLANE

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

HERE = Path(__file__).parent
DATA = HERE.parents[1] / "operator" / "leadsman" / "compare" / "kinds"
KEPT = DATA / "kept.json"
# What a minor version's types come from.
MODULES = ("k8s.io/api", "k8s.io/apiextensions-apiserver", "k8s.io/kube-aggregator")

# By package and type: the fields that keep their zero.
Kept = dict[str, dict[str, set[str]]]


def minors() -> list[str]:
    """The minor versions that are pinned, oldest first."""
    return sorted(
        (file.stem for file in (HERE / "modules").glob("*.mod")),
        key=lambda minor: [int(part) for part in minor.split(".")],
    )


def own_minor() -> str:
    """The minor version of the tests' control plane."""
    major, minor, _ = required(CONTROL_PLANE, "k8s.io/kubernetes").removeprefix("v").split(".", 2)
    return f"{major}.{minor}"


def made_from(minor: str) -> dict[str, str]:
    """The modules that a minor version's facts are made from, and a digest of all that decides."""
    pins = HERE / "modules" / f"{minor}.mod"
    digest = hashlib.sha256()
    for file in (HERE / "main.go", pins, pins.with_suffix(".sum")):
        digest.update(file.read_bytes())
    found = {name: _pinned(pins, name) for name in MODULES}
    return {**found, "inputs": f"sha256:{digest.hexdigest()}"}


def read(minor: str) -> Kept:
    """Run the program for a minor version."""
    printed = go("run", f"-modfile=modules/{minor}.mod", ".", folder=HERE)
    kept: Kept = {}
    for name, fields in json.loads(printed).items():
        package, _, kind = name.rpartition(".")
        kept.setdefault(package, {})[kind] = set(fields)
    return kept


def merge(by_minor: Mapping[str, Kept]) -> dict[str, Any]:
    """Group what several minor versions say by the versions that say it.

    A group is named by its versions; a type without such a field is there with an empty text.
    """
    says: dict[tuple[str, str, str], list[str]] = {}
    for minor, kept in by_minor.items():
        for package, kinds in kept.items():
            for kind, fields in kinds.items():
                # With the type itself, which has to be known where no field of it keeps its zero.
                for field in {*fields, ""}:
                    says.setdefault((package, kind, field), []).append(minor)
    groups: dict[str, dict[str, dict[str, set[str]]]] = {}
    for (package, kind, field), versions in says.items():
        group = groups.setdefault(" ".join(versions), {})
        fields = group.setdefault(package, {}).setdefault(kind, set())
        if field:
            fields.add(field)
    return {
        versions: {
            package: {kind: " ".join(sorted(kinds[kind])) for kind in sorted(kinds)}
            for package, kinds in sorted(packages.items())
        }
        for versions, packages in sorted(groups.items(), key=lambda item: (-len(item[0]), item[0]))
    }


def generate() -> str:
    """Make the text of ``kept.json``."""
    versions = minors()
    document = {
        "note": "Made by `make generate`, see tests/gotypes; not to be edited.",
        "made from": {minor: made_from(minor) for minor in versions},
        "kept": merge({minor: read(minor) for minor in versions}),
    }
    return json.dumps(document, indent=1) + "\n"


def outdated() -> Iterable[str]:
    """Say what in ``kept.json`` is not what would be made now."""
    document = json.loads(KEPT.read_text())
    before, now = document["made from"], {minor: made_from(minor) for minor in minors()}
    for minor in sorted({*before, *now}):
        if before.get(minor) != now.get(minor):
            yield f"{KEPT.name} was made from something else for {minor}"
    own = own_minor()
    if pick(document["kept"], own) != read(own):
        yield f"{KEPT.name} does not say what the Go types of {own} say"


def pick(groups: Mapping[str, Any], minor: str) -> Kept:
    """Return what the merged data says of one minor version."""
    kept: Kept = {}
    for versions, packages in groups.items():
        if minor in versions.split():
            for package, kinds in packages.items():
                for kind, fields in kinds.items():
                    kept.setdefault(package, {}).setdefault(kind, set()).update(fields.split())
    return kept


def _pinned(pins: Path, name: str) -> str:
    found = re.search(rf"^\s*{re.escape(name)} (v\S+)", pins.read_text(), re.MULTILINE)
    assert found, f"{pins} does not require {name}"
    return found[1]
