"""DriftChecks in a cluster, and what is reported of them.

check = Check.create(plane, namespace, "shop", url=server.url("shop"), path="overlays/prod")
report = check.wait(lambda report: report.verdict == "Drifted", "drift")
report.changes("Deployment", "web")["/spec/replicas"]["manager"]
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from controlplane.api import ApiError
from harness.waiting import until

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Self

    from controlplane.plane import ControlPlane
    from harness.operator import Operator

API_VERSION = "leadsman.dev/v1alpha1"


@dataclass(frozen=True, slots=True)
class Report:
    """A DriftReport as it was at one moment; ``body`` is empty where there is none."""

    body: dict[str, Any]

    @property
    def status(self) -> dict[str, Any]:
        """All that is reported."""
        status: dict[str, Any] = self.body.get("status", {})
        return status

    @property
    def verdict(self) -> str:
        """``InSync``, ``Drifted`` or ``Unknown``; "" where nothing was looked at yet."""
        if self.conditions.get("Ready", {}).get("reason") == "NotChecked":
            return ""
        return str(self.status.get("verdict", ""))

    @property
    def version(self) -> str:
        """What changes with each write."""
        return str(self.body.get("metadata", {}).get("resourceVersion", ""))

    @property
    def uid(self) -> str:
        """What tells it from another one of the same name."""
        return str(self.body.get("metadata", {}).get("uid", ""))

    @property
    def conditions(self) -> dict[str, dict[str, Any]]:
        """The conditions by type."""
        return {item["type"]: item for item in self.status.get("conditions", ())}

    @property
    def states(self) -> dict[tuple[str, str], str]:
        """The state of each object that is not in sync, by kind and name."""
        return {(item["kind"], item["name"]): item["state"] for item in self._objects()}

    def object(self, kind: str, name: str) -> dict[str, Any]:
        """What is said of an object, nothing where it is in sync."""
        found = (item for item in self._objects() if (item["kind"], item["name"]) == (kind, name))
        return next(found, {})

    def changes(self, kind: str, name: str) -> dict[str, dict[str, Any]]:
        """The changes to an object by path."""
        return {change["path"]: change for change in self.object(kind, name).get("changes", ())}

    def __str__(self) -> str:
        """Say in a few lines how it stands: what a test that failed has to show."""
        told = (
            f"{name}: {one['reason']}: {one['message']}" for name, one in self.conditions.items()
        )
        return "\n  ".join([self.verdict or "no report", *told])

    def _objects(self) -> list[dict[str, Any]]:
        objects: list[dict[str, Any]] = self.status.get("objects", [])
        return objects


@dataclass(frozen=True, slots=True)
class Check:
    """A DriftCheck, or another ``kind`` of target, and its DriftReport."""

    operator: Operator
    plane: ControlPlane
    namespace: str
    name: str
    kind: str = "DriftCheck"

    def create(self, **spec: Any) -> Self:
        """Create the DriftCheck, of the branch ``main`` if no other ref is given."""
        body = {
            "apiVersion": API_VERSION,
            "kind": "DriftCheck",
            "metadata": {"name": self.name},
            "spec": {"ref": {"branch": "main"}} | spec,
        }
        self.plane.api.create(self._path("driftchecks", ""), body)
        return self

    def patch(self, **spec: Any) -> None:
        """Change the spec; None removes a field."""
        self.plane.api.patch(self._path("driftchecks"), {"spec": spec})

    def request(self, value: str) -> None:
        """Ask for a full check."""
        annotations = {"check.leadsman.dev/requestedAt": value}
        self.plane.api.patch(self._path("driftchecks"), {"metadata": {"annotations": annotations}})

    def generation(self) -> int:
        """Return how often the spec was changed."""
        return int(self.plane.api.get(self._path("driftchecks"))["metadata"]["generation"])

    def delete(self) -> None:
        """Delete the DriftCheck."""
        self.plane.api.delete(self._path("driftchecks"))

    def delete_report(self) -> None:
        """Delete the DriftReport, as somebody might."""
        self.plane.api.delete(self._path("driftreports"))

    def report(self) -> Report:
        """Return the report as it is now."""
        try:
            own = self.kind == "DriftCheck"
            name = self.name if own else f"{self.kind.lower()}.{self.name}"
            return Report(self.plane.api.get(self._path("driftreports", name)))
        except ApiError as error:
            if error.status != 404:
                raise
            return Report({})

    def wait(
        self, condition: Callable[[Report], object], what: str, *, timeout: float = 30.0
    ) -> Report:
        """Wait until a report meets the condition, and return it."""
        seen: list[Report] = []

        def met() -> bool:
            seen[:] = [self.report()]
            return bool(condition(seen[0]))

        where = f"{self.namespace}/{self.name}"
        until(
            met,
            f"{where}: {what}",
            timeout=timeout,
            failed=self.operator.ended,
            last=lambda: str(*seen),
        )
        return seen[0]

    def wait_verdict(self, verdict: str) -> Report:
        """Wait until the report says so."""
        return self.wait(lambda report: report.verdict == verdict, verdict)

    def events(self, *reasons: str) -> list[dict[str, Any]]:
        """The Events on the DriftCheck (``events.k8s.io/v1``), oldest first, of some reasons."""
        path = f"/apis/events.k8s.io/v1/namespaces/{self.namespace}/events"
        found: list[dict[str, Any]] = [
            event
            for event in self.plane.api.get(path)["items"]
            if event.get("reportingController") == "leadsman.dev/leadsman"
            and event["regarding"]["kind"] == self.kind
            and event["regarding"]["name"] == self.name
            and (not reasons or event["reason"] in reasons)
        ]
        return sorted(found, key=lambda event: str(event["eventTime"]))

    @property
    def labels(self) -> dict[str, str]:
        """The labels of its series in the metrics."""
        return {
            "target_kind": self.kind,
            "target_namespace": self.namespace,
            "target_name": self.name,
        }

    def _path(self, plural: str, name: str | None = None) -> str:
        name = self.name if name is None else name
        return f"/apis/{API_VERSION}/namespaces/{self.namespace}/{plural}/{name}".rstrip("/")
