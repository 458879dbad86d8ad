"""The tables of the built-in API name what there is, and account for all that is written."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from leadsman.compare.kinds.builtin import go_types
from leadsman.compare.kinds.gotypes import taken_fields
from leadsman.model.finding import ABSENT
from unit.compare.rewrites.test_normalize import obj
from unit.compare.samples import DELIVERED, builtin_document, entry, owned, verdict

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from leadsman.model.json import JsonObject

_FIELDS: dict[str, set[str]] = {
    name: set(schema.get("properties", {}))
    for name, schema in builtin_document()["components"]["schemas"].items()
}

# What another place derives, which has to see more than the object that the field is in.
_ELSEWHERE = {
    ("io.k8s.api.autoscaling.v2.HPAScalingRules", "policies"): "normalize: up and down differ",
    ("io.k8s.api.core.v1.ResourceRequirements", "requests"): "strategies: of a Pod, not a template",
    ("io.k8s.api.core.v1.Secret", "data"): "normalize: stringData is merged into it",
}
# Versions that no Kubernetes of those that are known serves.
_GONE = (
    "io.k8s.api.apps.v1beta1.",
    "io.k8s.api.discovery.v1beta1.",
    "io.k8s.api.extensions.v1beta1.",
    "io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1beta1.",
)


@pytest.mark.parametrize("table", ["defaults", "derived", "assigned"])
def test_every_field_of_the_tables_exists(table: str) -> None:
    facts: Mapping[str, Collection[str]] = getattr(go_types(), table)
    known = {name: fields for name, fields in facts.items() if name in _FIELDS}
    assert known
    assert all(set(fields) <= _FIELDS[name] for name, fields in known.items())


def test_a_field_is_derived_or_has_a_default_and_not_both() -> None:
    for name, derived in go_types().derived.items():
        assert not derived.keys() & go_types().defaults.get(name, {}).keys()


def test_every_field_that_follows_others_has_a_rule() -> None:
    types = go_types()
    ruled = {
        (name, field)
        for table in (types.derived, types.assigned)
        for name, fields in table.items()
        for field in fields
    }
    taken = {
        (name, field)
        for name, fields in taken_fields().items()
        for field in fields
        if not name.startswith(_GONE)
    }
    assert taken - ruled == set(_ELSEWHERE)


def derive(kind: str, field: str, git: dict[str, Any]) -> Any:
    return go_types().derived[kind][field](git, {})


def test_a_limit_per_index_lifts_the_limit_of_the_whole_job() -> None:
    def backoff(**spec: Any) -> Any:
        return derive("io.k8s.api.batch.v1.JobSpec", "backoffLimit", spec)

    assert backoff() == 6
    assert backoff(backoffLimitPerIndex=0) == 2**31 - 1

    def job(**spec: Any) -> Any:
        return obj("batch/v1", "Job", spec={"backoffLimitPerIndex": 1, **spec})

    assert verdict(job(), owned(job(backoffLimit=2**31 - 1), DELIVERED)) is None


def test_a_nodes_range_is_the_first_of_its_ranges() -> None:
    spec = "io.k8s.api.core.v1.NodeSpec"
    assert derive(spec, "podCIDR", {"podCIDRs": ["10.0.0.0/24", "fd00::/64"]}) == "10.0.0.0/24"
    assert derive(spec, "podCIDRs", {"podCIDR": "10.0.0.0/24"}) == ["10.0.0.0/24"]
    assert derive(spec, "podCIDRs", {}) is ABSENT


def test_only_scaling_up_has_a_window_of_no_length_by_default() -> None:
    policies = [{"type": "Percent", "value": 100, "periodSeconds": 15}]
    up = {"selectPolicy": "Max", "stabilizationWindowSeconds": 0, "policies": policies}

    def autoscaler(**down: Any) -> Any:
        behavior = {"scaleUp": up, "scaleDown": {"policies": policies, **down}}
        spec = {"maxReplicas": 3, "behavior": behavior}
        return obj("autoscaling/v2", "HorizontalPodAutoscaler", spec=spec)

    fields: JsonObject = {"f:stabilizationWindowSeconds": {}}
    edited = entry("kubectl-edit", {"f:spec": {"f:behavior": {"f:scaleDown": fields}}})
    live = autoscaler(selectPolicy="Max")
    assert verdict(autoscaler(), owned(live, edited)) is None
    live = autoscaler(selectPolicy="Max", stabilizationWindowSeconds=0)
    found = verdict(autoscaler(), owned(live, edited))
    assert found is not None
    assert [change.path for change in found.changes] == [
        "/spec/behavior/scaleDown/stabilizationWindowSeconds"
    ]
