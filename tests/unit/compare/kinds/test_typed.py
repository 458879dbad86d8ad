"""Which objects the API server can read by their schema."""

from __future__ import annotations

from typing import Any

import pytest

from leadsman.compare.kinds.typed import is_tracked
from leadsman.model.identity import Gvk
from unit.compare.samples import deployment, schema_of, widget


@pytest.mark.parametrize(
    ("spec", "tracked"),
    [
        ({}, True),
        ({"parts": [{"name": "a"}, {"name": "b"}]}, True),
        ({"parts": [{"name": "a"}, {"count": 1}]}, False),
        ({"parts": [{"name": None}]}, False),
        ({"parts": ["a"]}, False),
        ({"rules": [{"weight": 1}]}, True),
        ({"values": {"parts": [{}]}}, True),
        # Of another type than the schema has.
        ({"parts": {"a": 1}}, False),
        ({"limits": {"cpu": 1}}, False),
        ({"limits": ["cpu"]}, False),
        ({"enabled": "yes"}, False),
        ({"size": True}, False),
        ({"size": 1.0, "enabled": False, "note": None, "memory": 1, "port": "web"}, True),
    ],
)
def test_what_cannot_be_read_is_not_noted(spec: Any, tracked: bool) -> None:  # noqa: FBT001  # expected
    made = widget(spec)
    schema = schema_of(Gvk("example.com", "v1", "Widget"))
    assert schema is not None
    assert is_tracked(made, schema.root) is tracked


def test_a_key_may_be_the_default() -> None:
    schema = schema_of(Gvk("apps", "v1", "Deployment"))
    assert schema is not None
    made = deployment()
    made["spec"]["template"]["spec"]["containers"][0]["ports"] = [{"containerPort": 80}]
    assert is_tracked(made, schema.root)
    made["spec"]["template"]["spec"]["containers"][0]["ports"] = [{"protocol": "TCP"}]
    assert not is_tracked(made, schema.root)
