"""What the operator wrote while all the other tests ran, by the API server's own account.

The name puts this file last.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from harness.operator import NAMESPACE, SERVICE_ACCOUNT

if TYPE_CHECKING:
    from controlplane.plane import ControlPlane
    from e2e.drift.conftest import Shop

USER = f"system:serviceaccount:{NAMESPACE}:{SERVICE_ACCOUNT}"
READ = {"get", "list", "watch"}


def test_it_wrote_reports_and_events_and_nothing_else(
    control_plane: ControlPlane, shop: Shop
) -> None:
    shop.kubectl("delete", "service/podinfo")
    shop.check.wait_verdict("Drifted")
    requests = [
        request
        for request in control_plane.audit_events(USER)
        # Other tests try with the same account what it may not do, without saying who they are.
        if request.get("userAgent", "").startswith("leadsman/")
    ]
    written = {
        (request["verb"], resource(request["objectRef"]))
        for request in requests
        if request["verb"] not in READ
    }
    assert written <= {
        ("create", "events"),
        ("patch", "events"),
        ("patch", "driftreports"),
        ("patch", "driftreports/status"),
    }
    assert ("patch", "driftreports/status") in written
    # Nor has it tried what it may not do; what ends with its namespace can be told no more.
    refused = [
        (request["verb"], request["requestURI"], said)
        for request in requests
        if request["responseStatus"]["code"] in {401, 403}
        and "it is being terminated" not in (said := request["responseStatus"].get("message", ""))
    ]
    assert refused == []


def resource(reference: dict[str, str]) -> str:
    """Name a resource, or a subresource, as RBAC does."""
    subresource = reference.get("subresource", "")
    return f"{reference['resource']}/{subresource}".rstrip("/")
