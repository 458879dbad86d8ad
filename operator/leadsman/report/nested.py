"""What differs inside two structures that are already known to differ, for showing it only."""

from __future__ import annotations

from typing import TYPE_CHECKING

import orjson

from leadsman.model.finding import ABSENT

if TYPE_CHECKING:
    from leadsman.model.json import Json

# DeepDiff needs milliseconds for a page of JSON and seconds for a book; in bytes of both together.
_LARGEST = 8_000


def nested_changes(desired: Json, live: Json) -> list[tuple[str, Json, Json]]:
    """Return path, desired and live value of each place that differs; ABSENT is "not there".

    Empty where the two are not structures of one kind, or too large to look into.
    """
    if type(desired) is not type(live) or not isinstance(desired, list | dict):
        return []
    try:
        if len(orjson.dumps(desired)) + len(orjson.dumps(live)) > _LARGEST:
            return []
    except TypeError:  # what is no JSON is not looked into
        return []
    # Imported late: 0.1 s and 22 MiB that an operator without such a change never spends.
    from deepdiff import DeepDiff  # noqa: PLC0415 - see above
    from deepdiff.helper import NotPresent  # noqa: PLC0415 - see above

    found: list[tuple[list[Json], Json, Json]] = []
    tree = DeepDiff(desired, live, view="tree", threshold_to_diff_deeper=0)
    for levels in tree.values():
        for level in levels:
            before, after = (
                ABSENT if isinstance(side, NotPresent) else side for side in (level.t1, level.t2)
            )
            found.append((level.path(output_format="list"), before, after))
    found.sort(key=lambda item: [(isinstance(step, str), step) for step in item[0]])
    return [(_written(path), before, after) for path, before, after in found]


def _written(path: list[Json]) -> str:
    """Write a path as the API server does: ``[0].ports[1].name``."""
    parts = (
        f"[{step}]"
        if isinstance(step, int)
        else f".{step}"
        if step.replace("-", "").replace("_", "").isalnum()
        else f'["{step}"]'
        for step in path
    )
    return "".join(parts).removeprefix(".")
