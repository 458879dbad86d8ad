"""Several operators at once, and what the cluster knows of who they are and what they wrote."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from harness.operator import NAMESPACE, SERVICE_ACCOUNT
from harness.waiting import until

if TYPE_CHECKING:
    from controlplane.plane import ControlPlane
    from harness.operator import Operator

USER = f"system:serviceaccount:{NAMESPACE}:{SERVICE_ACCOUNT}"
LEASES = f"/apis/coordination.k8s.io/v1/namespaces/{NAMESPACE}/leases"
# Seconds after which an operator that is lost is given up: few, but a busy machine has to do.
SHORT = (
    "--leader-elect-lease-duration=10",
    "--leader-elect-renew-deadline=8",
    "--leader-elect-retry-period=1",
)
# With these nobody takes over in time who is not told to.
LONG = (
    "--leader-elect-lease-duration=600",
    "--leader-elect-renew-deadline=500",
    "--leader-elect-retry-period=300",
)
# Seconds: a Lease that expires, and a start.
PATIENCE = 60.0


@dataclass(frozen=True, slots=True, order=True)
class Write:
    """A report that was written: when (seconds since the epoch), of which target, by which Pod."""

    time: float
    target: str
    pod: str


def writes(plane: ControlPlane, namespace: str) -> list[Write]:
    """Return all writes of a namespace's reports so far, oldest first."""
    return sorted(
        Write(
            datetime.fromisoformat(event["requestReceivedTimestamp"]).timestamp(),
            event["objectRef"]["name"],
            _pod(event),
        )
        for event in plane.audit_events(USER)
        if event["verb"] == "patch"
        and event["objectRef"].get("resource") == "driftreports"
        and event["objectRef"].get("namespace") == namespace
        and event["responseStatus"]["code"] < 300
    )


def holders(plane: ControlPlane) -> dict[str, str]:
    """Return who holds each Lease: the Pod's name, "" for nobody."""
    return {
        item["metadata"]["name"]: item["spec"]["holderIdentity"].partition("_")[0]
        for item in plane.api.get(LEASES)["items"]
    }


def leads(operator: Operator) -> bool:
    return operator.value("leadsman_leader") == 1


def wait_leads(operator: Operator) -> None:
    until(
        lambda: leads(operator),
        f"{operator.pod} to work",
        failed=operator.ended,
        timeout=PATIENCE,
    )


def wait_stands_by(operator: Operator, why: str) -> None:
    """Wait until it is ready, does not work and has said why."""
    until(operator.ready, f"{operator.pod} to stand by", failed=operator.ended)
    assert not leads(operator)
    said = [line for line in operator.lines() if "a standby: " in line]
    assert re.search(why, said[-1]), said


def _pod(event: dict[str, Any]) -> str:
    found = re.search(r"\((.*)\)", event["userAgent"])
    assert found is not None, event["userAgent"]
    return found[1]
