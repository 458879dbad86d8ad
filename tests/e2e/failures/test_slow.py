"""A Git server that takes its time."""

from __future__ import annotations

from typing import TYPE_CHECKING

from controlplane.gitserver import GitServer
from e2e.failures.app import App

if TYPE_CHECKING:
    from controlplane.plane import ControlPlane
    from harness.operator import Operator


def test_a_new_target_has_a_report_before_it_could_be_looked_at(
    control_plane: ControlPlane, operator: Operator, home: str
) -> None:
    """So that ``kubectl wait`` can be said right after ``kubectl apply``."""
    with GitServer() as server:
        app = App(operator, control_plane, home, "patient", server)
        app.deliver()
        server.delay = 60
        check = app.watch(timeout="4s")
        wait = ("wait", "driftreport/patient", "-n", home, "--timeout=30s")
        control_plane.kubectl(*wait, "--for=create")
        report = check.report()
        assert report.status["verdict"] == "Unknown"
        assert {name: one["status"] for name, one in report.conditions.items()} == {
            "Ready": "Unknown",
            "InSync": "Unknown",
            "Suspended": "False",
        }
        assert not operator.series("leadsman_target_objects", **check.labels)
        server.delay = 0
        control_plane.kubectl(*wait, "--for=condition=InSync")
        check.delete()
