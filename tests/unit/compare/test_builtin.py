"""The tables of the built-in API name what there is."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from leadsman.compare.builtin import go_types
from unit.compare.samples import builtin_document

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

_FIELDS: dict[str, set[str]] = {}
for _name, _schema in builtin_document()["components"]["schemas"].items():
    _group, _version, _type = _name.split(".")[-3:]
    _FIELDS.setdefault(f"{_group}.{_type}", set()).update(_schema.get("properties", {}))

# Fields that only an older version of the API has.
_OLDER = {("autoscaling.HorizontalPodAutoscalerSpec", "targetCPUUtilizationPercentage")}


@pytest.mark.parametrize("table", ["defaults", "derived", "assigned"])
def test_every_field_of_the_tables_exists(table: str) -> None:
    facts: Mapping[str, Collection[str]] = getattr(go_types(), table)
    known = {name: fields for name, fields in facts.items() if name in _FIELDS}
    assert known
    unknown = {(name, field) for name in known for field in known[name]} - {
        (name, field) for name, fields in _FIELDS.items() for field in fields
    }
    assert unknown <= _OLDER


def test_a_field_is_derived_or_has_a_default_and_not_both() -> None:
    for name, derived in go_types().derived.items():
        assert not derived.keys() & go_types().defaults.get(name, {}).keys()
