"""What the operator asks of the API server, as the API server itself counts it.

Requests of kopf's count as well, which the operator's own metrics do not have. The API server
counts requests by FlowSchema (API Priority and Fairness, KEP-1040), and a FlowSchema can be for one
user: these are for the operator's ServiceAccount, at the priority that it has anyway. It costs
nothing, unlike an audit log, and nobody else's requests are in it.
"""

from __future__ import annotations

from collections import Counter
from contextlib import contextmanager
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Final

from prometheus_client.parser import text_string_to_metric_families

from harness.operator import NAMESPACE, SERVICE_ACCOUNT
from harness.waiting import until

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from controlplane.plane import ControlPlane

_SCHEMAS: Final = "/apis/flowcontrol.apiserver.k8s.io/v1/flowschemas"
# That of the FlowSchema "service-accounts", which is behind these by 9000.
_PRIORITY: Final = "workload-low"
_PRECEDENCE: Final = 1000
_DISPATCHED: Final = "apiserver_flowcontrol_dispatched_requests"


class Asked(StrEnum):
    """Kinds of requests; the first that fits counts."""

    WATCH = "bench-1-watch"
    LEASE = "bench-2-lease"
    OTHER = "bench-3-other"


_RULES: Final[dict[Asked, dict[str, Any]]] = {
    Asked.WATCH: {"verbs": ["watch"], "apiGroups": ["*"], "resources": ["*"]},
    Asked.LEASE: {"verbs": ["*"], "apiGroups": ["coordination.k8s.io"], "resources": ["leases"]},
    Asked.OTHER: {"verbs": ["*"], "apiGroups": ["*"], "resources": ["*"]},
}


@contextmanager
def counted(plane: ControlPlane) -> Iterator[None]:
    """Have the API server count the operator's requests while the block runs."""
    for place, kind in enumerate(Asked):
        plane.api.create(_SCHEMAS, _schema(kind, _PRECEDENCE + place))
    try:
        # It says whether the priority is there when it has begun to go by a schema.
        until(lambda: all(_in_force(plane, kind) for kind in Asked), "the schemas to be in force")
        yield
    finally:
        for kind in Asked:
            plane.api.delete(f"{_SCHEMAS}/{kind}")


def count(plane: ControlPlane) -> Counter[Asked]:
    """Return how many requests of each kind have been let in; a watch counts when it begins."""
    return counts(plane.api.request("GET", "/metrics").splitlines())


def counts(metrics: Sequence[str]) -> Counter[Asked]:
    """Return the same from the lines of the API server's metrics."""
    found: Counter[Asked] = Counter()
    lines = "\n".join(line for line in metrics if line.startswith(_DISPATCHED))
    for family in text_string_to_metric_families(f"{lines}\n"):
        for sample in family.samples:
            schema = sample.labels["flow_schema"]
            if schema in _RULES:
                found[Asked(schema)] += int(sample.value)
    return found


def _schema(kind: Asked, precedence: int) -> dict[str, Any]:
    subject = {
        "kind": "ServiceAccount",
        "serviceAccount": {"namespace": NAMESPACE, "name": SERVICE_ACCOUNT},
    }
    rules: dict[str, Any] = {
        "subjects": [subject],
        "resourceRules": [{**_RULES[kind], "clusterScope": True, "namespaces": ["*"]}],
    }
    if kind is Asked.OTHER:
        rules["nonResourceRules"] = [{"verbs": ["*"], "nonResourceURLs": ["*"]}]
    return {
        "apiVersion": "flowcontrol.apiserver.k8s.io/v1",
        "kind": "FlowSchema",
        "metadata": {"name": kind},
        "spec": {
            "priorityLevelConfiguration": {"name": _PRIORITY},
            "matchingPrecedence": precedence,
            "distinguisherMethod": {"type": "ByUser"},
            "rules": [rules],
        },
    }


def _in_force(plane: ControlPlane, kind: Asked) -> bool:
    conditions = plane.api.get(f"{_SCHEMAS}/{kind}").get("status", {}).get("conditions", ())
    return any((one["type"], one["status"]) == ("Dangling", "False") for one in conditions)
