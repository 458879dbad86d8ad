"""Kinds that cannot be read any more, and come back: nothing reads as in sync meanwhile."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from e2e.failures.app import CONFIG, PLAIN, App
from e2e.failures.case import definition
from harness.waiting import until

if TYPE_CHECKING:
    from collections.abc import Iterator

    from controlplane.plane import ControlPlane
    from e2e.failures.servers import Servers
    from harness.checks import Check, Report
    from harness.operator import Operator

WIDGET = "kind: Widget\nmetadata: {name: wheel}\nspec: {size: 3}\n"
# Nobody answers there, as after the operator whose webhook it was is gone.
NOBODY = {
    "strategy": "Webhook",
    "webhook": {
        "conversionReviewVersions": ["v1"],
        "clientConfig": {"service": {"namespace": "default", "name": "nobody", "port": 443}},
    },
}


class Widgets:
    """A kind of its own group, served as v1 (which is stored) and v2, and an application of it."""

    def __init__(self, app: App) -> None:
        self.app = app
        self.group = f"{app.name}.example.org"
        self._crd = f"crd/widgets.{self.group}"

    def deliver(self, version: str) -> Check:
        """Put a widget and a ConfigMap into Git and the cluster; return their DriftCheck."""
        app = self.app
        app.plane.kubectl("apply", "-f", "-", stdin=json.dumps(definition(self.group, "v2")))
        app.plane.kubectl("wait", "--for=condition=Established", "--timeout=30s", self._crd)
        widget = f"apiVersion: {self.group}/{version}\n{WIDGET}"
        app.deliver({**PLAIN, "app/widget.yaml": widget})
        app.plane.kubectl("apply", "-n", app.namespace, "-f", "-", stdin=widget)
        check = app.watch(interval="1h")
        check.wait_verdict("InSync")
        return check

    def patch(self, kind: str, body: Any) -> None:
        self.app.plane.kubectl("patch", self._crd, f"--type={kind}", "-p", json.dumps(body))

    def delete(self) -> None:
        self.patch("merge", {"spec": {"conversion": {"strategy": "None", "webhook": None}}})
        self.app.plane.kubectl("delete", "--wait=false", self._crd)


@pytest.fixture
def widgets(
    control_plane: ControlPlane,
    operator: Operator,
    servers: Servers,
    home: str,
    request: pytest.FixtureRequest,
) -> Iterator[Widgets]:
    name = f"kinds-{len(request.node.name)}"
    widgets = Widgets(App(operator, control_plane, home, name, servers["open"]))
    yield widgets
    widgets.app.check.delete()
    widgets.delete()


def is_cut(report: Report) -> bool:
    reason: str = report.conditions["Ready"]["reason"]
    return reason == "WatchFailed"


def test_a_kind_that_nobody_can_convert_any_more(widgets: Widgets) -> None:
    check = widgets.deliver("v2")
    widgets.patch("merge", {"spec": {"conversion": NOBODY}})
    # The watch, and then what is told of it, bear with an API server for ten seconds each.
    report = check.wait(is_cut, "a kind that cannot be watched", timeout=60.0)
    assert report.verdict == "Unknown"
    ready = report.conditions["Ready"]
    assert ready["status"] == "False"
    assert f"widgets.{widgets.group} cannot be watched" in ready["message"]
    assert report.object("Widget", "wheel")["reason"] == "WatchFailed"
    # A look at the widget that came before that was refused is told of in an Event of its own.
    until(
        lambda: any("WatchFailed" in event["note"] for event in check.events("CompareFailed")),
        "the word that a kind cannot be watched",
    )
    widgets.app.set_live("red")  # all else is followed as before
    check.wait_verdict("Drifted")
    widgets.app.set_live("green")
    check.wait_verdict("Unknown")
    # The widget has to be looked at anew.
    widget = f"apiVersion: {widgets.group}/v2\n{WIDGET}".replace(
        "metadata: {", "metadata: {labels: {a: b}, "
    )
    widgets.app.commit(
        {"app/config.yaml": CONFIG.replace("green", "blue"), "app/widget.yaml": widget}
    )
    check.patch(interval="1s")
    report = check.wait_verdict("Drifted")
    assert is_cut(report)
    widgets.app.set_live("blue")
    check.wait_verdict("Unknown")

    widgets.patch("merge", {"spec": {"conversion": {"strategy": "None", "webhook": None}}})
    check.wait_verdict("Drifted")
    until(lambda: check.events("Recovered"), "the word that all is read again")


def test_a_version_that_is_served_no_more(widgets: Widgets) -> None:
    check = widgets.deliver("v2")
    served = "/spec/versions/1/served"
    widgets.patch("json", [{"op": "replace", "path": served, "value": False}])
    report = check.wait(lambda report: report.verdict == "Unknown", "an end of certainty")
    # Its objects are the same in the version that is left; delivery does not succeed.
    report = check.wait(lambda report: report.status.get("warnings"), "a warning")
    assert f"change the apiVersion to {widgets.group}/v1" in report.status["warnings"][0]
    check.wait_verdict("InSync")
    widgets.patch("json", [{"op": "replace", "path": served, "value": True}])
    check.wait_verdict("InSync")


def test_an_object_that_moves_to_another_target_is_orphaned_in_none(
    operator: Operator, control_plane: ControlPlane, servers: Servers, home: str
) -> None:
    """Whichever of the two hears of the commit first."""
    app = App(operator, control_plane, home, "moves", servers["open"])
    extra = CONFIG.replace("NAME", "moved-here")
    app.deliver({**PLAIN, "app/extra.yaml": extra, "other/config.yaml": CONFIG + "  more: yes\n"})
    app.create_live("moved-here")
    check = app.watch()
    check.wait_verdict("InSync")
    app.commit({"app/extra.yaml": None, "other/config.yaml": extra})
    check.wait(lambda report: report.verdict == "Drifted", "an orphan")
    other = App(operator, control_plane, home, "moves-there", servers["open"])
    other.check.create(url=app.url, ref={"branch": "moves"}, path="other", interval="1s")
    other.check.wait_verdict("InSync")
    report = check.wait_verdict("InSync")
    assert report.status["summary"]["total"] == 1
    for each in (check, other.check):
        each.delete()
