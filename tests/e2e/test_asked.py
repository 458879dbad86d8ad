"""What the benchmark says that the operator asks of the API server is counted by that."""

from __future__ import annotations

import contextlib
from collections import Counter
from typing import TYPE_CHECKING

from bench.asked import Asked, count, counted
from controlplane.api import Api, ApiError
from controlplane.plane import ControlPlane
from harness.operator import NAMESPACE, SERVICE_ACCOUNT, install

if TYPE_CHECKING:
    from controlplane.toolchain import Tools

CHECKS = "/apis/leadsman.dev/v1alpha1/driftchecks"
WATCH = f"{CHECKS}?watch=true&timeoutSeconds=1"
LEASES = f"/apis/coordination.k8s.io/v1/namespaces/{NAMESPACE}/leases"
SCHEMAS = "/apis/flowcontrol.apiserver.k8s.io/v1/flowschemas"


def test_each_request_of_the_operators_user_is_counted_once_by_its_kind(tools: Tools) -> None:
    with ControlPlane(tools) as plane:
        install(plane)
        names = _schemas(plane)
        token = plane.service_account_token(NAMESPACE, SERVICE_ACCOUNT)
        operator = Api(plane.server, plane.ca_file, token)
        with counted(plane):
            before = count(plane)
            for path in (CHECKS, CHECKS, "/version", WATCH, WATCH, f"{LEASES}/one"):
                # What RBAC refuses counts as well: it has been asked.
                with contextlib.suppress(ApiError):
                    operator.request("GET", path)
            # What others ask does not.
            for path in (CHECKS, WATCH):
                plane.api.request("GET", path)
            asked = count(plane) - before
        assert asked == Counter({Asked.WATCH: 2, Asked.LEASE: 1, Asked.OTHER: 3})
        assert _schemas(plane) == names


def _schemas(plane: ControlPlane) -> set[str]:
    return {item["metadata"]["name"] for item in plane.api.get(SCHEMAS)["items"]}
