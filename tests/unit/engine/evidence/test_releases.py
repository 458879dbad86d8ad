from __future__ import annotations

import base64
import gzip
import json
from typing import Any

import pytest

from leadsman.engine.evidence.releases import manifest, revisions

MANIFEST = """\
---
# Source: web/templates/a.yaml
apiVersion: v1
kind: ConfigMap
metadata: {name: a}
---
# Source: web/templates/empty.yaml
"""


def packed(release: Any, times: int = 2) -> dict[str, Any]:
    raw = gzip.compress(json.dumps(release).encode())
    for _ in range(times):
        raw = base64.b64encode(raw)
    return {"data": {"release": raw.decode()}}


def stored(number: int, status: str, begun: str, updated: str) -> dict[str, Any]:
    return {
        "metadata": {
            "name": f"sh.helm.release.v1.web.v{number}",
            "labels": {"version": str(number), "status": status},
            "creationTimestamp": begun,
            "managedFields": [{"time": updated}] if updated else [],
        }
    }


def test_the_time_in_which_each_revision_was_sent() -> None:
    # What is superseded is noted in it when the next one is done.
    found = revisions(
        [
            stored(2, "superseded", "20", "31"),
            stored(1, "superseded", "10", "22"),
            stored(3, "deployed", "30", "32"),
        ]
    )
    assert [(one.number, one.begun, one.ended) for one in found] == [
        (3, "30", "32"),
        (2, "20", "22"),
        (1, "10", ""),
    ]


def test_after_a_failure_only_what_is_known_for_certain_counts() -> None:
    found = revisions(
        [
            stored(1, "superseded", "10", "42"),
            stored(2, "failed", "20", "22"),
            stored(3, "superseded", "30", "42"),
            stored(4, "deployed", "40", ""),
        ]
    )
    assert [(one.number, one.ended) for one in found] == [(4, ""), (3, ""), (2, ""), (1, "")]


def test_what_is_no_revision_is_left_out() -> None:
    odd: list[Any] = [{}, {"metadata": []}, {"metadata": {"labels": {"version": "x"}}}]
    assert revisions(odd) == []


def test_a_manifest_is_read_from_a_secret_and_a_config_map() -> None:
    for times, binary in ((2, True), (1, False)):
        (document,) = manifest(packed({"manifest": MANIFEST}, times), binary=binary)
        assert document["metadata"] == {"name": "a"}


@pytest.mark.parametrize(
    "broken",
    [
        {},
        {"data": {"release": "no base64!"}},
        {"data": {"release": base64.b64encode(b"eA==").decode()}},
        packed([]),
        packed({"manifest": None}),
        packed({"manifest": "a: [b"}),
    ],
)
def test_what_cannot_be_read_says_nothing(broken: dict[str, Any]) -> None:
    assert [item for item in manifest(broken, binary=True) if "kind" in item] == []
