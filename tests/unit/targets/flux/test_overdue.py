from __future__ import annotations

from typing import Any

import pytest

from leadsman.targets.flux.overdue import awaits, stalled

LAST = 1795731208.0  # 2026-11-26T22:13:28Z


def resource(**changes: Any) -> Any:
    made: Any = {
        "metadata": {"generation": 2, "annotations": {}},
        "spec": {"interval": "10m", "timeout": "1m"},
        "status": {
            "observedGeneration": 2,
            "history": [
                {"lastReconciled": "2026-11-26T22:13:28Z"},
                {"lastReconciled": "2026-11-26T21:13:28Z"},
            ],
        },
    }
    for place, value in changes.items():
        section, name = place.split("__")
        made[section][name] = value
    return made


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({}, ""),
        ({"metadata__generation": 3}, "generation 3; 2 was observed"),
        ({"metadata__generation": 3, "spec__suspend": True}, ""),
        ({"metadata__annotations": {"reconcile.fluxcd.io/requestedAt": "now"}}, "requested (now)"),
        (
            {
                "metadata__annotations": {"reconcile.fluxcd.io/requestedAt": "now"},
                "status__lastHandledReconcileAt": "now",
            },
            "",
        ),
    ],
)
def test_what_is_awaited(changes: Any, said: str) -> None:
    found = awaits(resource(**changes))
    assert (said in found) if said else found == ""


@pytest.mark.parametrize(
    ("changes", "awaited", "after", "since"),
    [
        ({}, 0.0, 1859.0, None),
        # Three intervals of ten minutes, and a minute for the work.
        ({}, 0.0, 1861.0, LAST + 600),
        ({"spec__suspend": True}, 0.0, 9999.0, None),
        ({"status__history": []}, 0.0, 9999.0, None),
        ({"spec__interval": "odd"}, 0.0, 9999.0, None),
        ({"metadata__generation": 3}, LAST + 10, 180.0, None),
        ({"metadata__generation": 3}, LAST + 10, 191.0, LAST + 10),
    ],
)
def test_when_a_controller_has_stopped(
    changes: Any, awaited: float, after: float, since: float | None
) -> None:
    found = stalled(resource(**changes), awaited, LAST + after)
    assert (found.since if found is not None else None) == since
    assert found is None or found.reason == "DeliveryStalled"


def test_without_a_timeout_it_has_what_the_interval_leaves() -> None:
    made = resource()
    del made["spec"]["timeout"]
    assert stalled(made, 0.0, LAST + 1800 + 569) is None
    assert stalled(made, 0.0, LAST + 1800 + 571) is not None
