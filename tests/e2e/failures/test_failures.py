"""Each failure is told with its reason, its message and its Event, and nobody else suffers.

All applications are broken at the same time, and mended at the same time.
"""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pytest

from e2e.failures.app import App, put
from e2e.failures.cases import CASES
from e2e.failures.servers import PASSWORD, USERNAME
from harness.waiting import until

if TYPE_CHECKING:
    from collections.abc import Mapping

    from controlplane.plane import ControlPlane
    from e2e.failures.case import Case
    from e2e.failures.servers import Servers
    from harness.checks import Report
    from harness.operator import Operator

ALL = [pytest.param(case, id=case.name) for case in CASES]
FAILING = "leadsman_target_failing"


@dataclass(frozen=True)
class Play:
    """The applications by their case, two that stay well, and how each was reported before."""

    apps: Mapping[str, App]
    neighbour: App
    lively: App
    before: dict[str, Report] = field(default_factory=dict)


@pytest.fixture(scope="module")
def play(control_plane: ControlPlane, operator: Operator, servers: Servers, home: str) -> Play:
    """All applications while nothing has gone wrong yet."""
    for name, data in servers.secrets.items():
        put(control_plane, home, name, data)
    apps = {}
    for case in CASES:
        app = App(operator, control_plane, home, case.name, servers[case.server], case.project)
        app.deliver(case.files)
        if case.drifted:
            app.set_live("red")
        app.watch(**case.spec)
        apps[case.name] = app
    neighbour, lively = (
        App(operator, control_plane, home, name, servers["open"]) for name in ("well", "lively")
    )
    for app in (neighbour, lively):
        app.deliver()
        app.watch()
    play = Play(apps, neighbour, lively)
    for app in (*apps.values(), neighbour, lively):
        ready = app.check.wait(lambda report: report.verdict in {"InSync", "Drifted"}, "well")
        play.before[app.name] = ready
    operator.wait_ready()
    return play


@pytest.fixture(scope="module")
def broken(play: Play) -> Play:
    """All applications, broken."""
    for case in CASES:
        case.breaks(play.apps[case.name])
    return play


@pytest.fixture(scope="module")
def mended(broken: Play) -> Play:
    """All applications, mended after they had failed."""
    for case in CASES:
        _wait_failed(broken.apps[case.name])
    for case in CASES:
        case.mends(broken.apps[case.name])
    return broken


def _wait_failed(app: App) -> Report:
    return app.check.wait(lambda report: report.conditions["Ready"]["status"] == "False", "failed")


@pytest.mark.parametrize("case", ALL)
def test_it_is_told(broken: Play, operator: Operator, case: Case) -> None:
    app, before = broken.apps[case.name], broken.before[case.name]
    report = _wait_failed(app)
    ready, in_sync = report.conditions["Ready"], report.conditions["InSync"]
    assert ready["reason"] == case.reason, ready
    assert ready["message"].startswith(f"{case.stage}: ")
    for words in case.says:
        assert words.replace("URL", app.url) in ready["message"]
    # What was known stays known, and is not taken for what is.
    assert report.verdict == ("Drifted" if case.drifted else "Unknown")
    assert in_sync["status"] == ("False" if case.drifted else "Unknown")
    if not case.rendered:
        assert report.status["revision"] == before.status["revision"]
        assert report.status.get("objects") == before.status.get("objects")
        assert report.status["summary"] == before.status["summary"]
    assert operator.series(FAILING, **app.check.labels) == {
        _labels(app, stage=case.stage, reason=case.reason): 1.0
    }
    events = _events(app)
    assert events == ["DriftDetected"] * case.drifted + [case.event]
    (event,) = app.check.events(case.event)
    assert event["type"] == "Warning"
    assert event["note"].startswith(f"{case.reason}: ")
    for words in case.says:
        assert words.replace("URL", app.url) in event["note"]


def test_drift_of_others_is_found_meanwhile(broken: Play) -> None:
    broken.lively.set_live("red")
    report = broken.lively.check.wait_verdict("Drifted")
    change = report.changes("ConfigMap", "lively")["/data/colour"]
    assert (change["desired"], change["live"], change["manager"]) == (
        *("green", "red"),
        "kubectl-edit",
    )
    broken.lively.set_live("green")
    broken.lively.check.wait_verdict("InSync")
    until(lambda: broken.lively.check.events("DriftResolved"), "an Event")
    assert _events(broken.lively) == ["DriftDetected", "DriftResolved"]


def test_drift_is_found_though_git_cannot_be_asked(broken: Play, operator: Operator) -> None:
    """The last revision is still measured against, and findings that resolve are dropped."""
    drifting, healing = broken.apps["repository-gone"], broken.apps["unreachable"]
    for app in (drifting, healing):
        _wait_failed(app)
    drifting.set_live("red")
    report = drifting.check.wait_verdict("Drifted")
    assert report.states == {("ConfigMap", drifting.name): "Modified"}
    healing.set_live("green")
    report = healing.check.wait_verdict("Unknown")
    assert report.conditions["Ready"]["reason"] == "Unreachable"
    assert operator.value("leadsman_target_objects", state="Modified", **healing.check.labels) == 0
    drifting.set_live("green")
    healing.set_live("red")
    drifting.check.wait_verdict("Unknown")
    healing.check.wait_verdict("Drifted")


def test_what_fails_is_not_counted_as_checked(broken: Play, operator: Operator) -> None:
    """So that it is seen how old is what is said of it, while the others stay fresh."""
    failing = [broken.apps[case.name] for case in CASES if not case.rendered]
    for app in failing:
        _wait_failed(app)
    last = {app.name: _checked(operator, app) for app in failing}
    now = _checked(operator, broken.neighbour)
    until(lambda: _checked(operator, broken.neighbour) > now + 1.0, "two later checks")
    assert {app.name: _checked(operator, app) for app in failing} == last
    assert all(0 < seconds < now for seconds in last.values())


@pytest.mark.parametrize("case", ALL)
def test_its_end_is_told(mended: Play, operator: Operator, case: Case) -> None:
    app = mended.apps[case.name]
    app.check.wait(_is_ready, "recovered")
    app.check.wait_verdict("Drifted" if case.drifted else "InSync")
    (recovered,) = until(lambda: app.check.events("Recovered"), "an Event")
    assert recovered["type"] == "Normal"
    assert recovered["note"].startswith(f"{case.reason} is over: ")
    assert not operator.series(FAILING, **app.check.labels)
    failed = app.check.events(case.event)
    assert len(failed) == 1, [event["note"] for event in failed]
    assert "series" not in failed[0], "said more than once"


def test_the_others_were_not_disturbed(mended: Play, operator: Operator) -> None:
    """Nothing was written of the neighbour, though it was looked at again and again."""
    for app in mended.apps.values():
        app.check.wait(_is_ready, "recovered")
    well = mended.neighbour
    checked = _checked(operator, well)
    until(lambda: _checked(operator, well) > checked, "a later check")
    assert well.told() == (mended.before[well.name].version, [])


def test_no_credentials_are_said(
    mended: Play, control_plane: ControlPlane, operator: Operator, servers: Servers, home: str
) -> None:
    said = {
        "reports": control_plane.kubectl("get", "driftreports", "-A", "-o", "json").stdout,
        "Events": control_plane.kubectl("get", "events", "-n", home, "-o", "json").stdout,
        "metrics": operator.metrics_text(),
        "log": operator.log.read_text(),
    }
    pair = base64.b64encode(f"{USERNAME}:{PASSWORD}".encode()).decode()
    for where, text in said.items():
        assert mended.apps["password-rotated"].url in text, where
        for secret in (*servers.confidential, pair):
            assert secret not in text, where
            assert json.dumps(secret)[1:-1] not in text, where


def _is_ready(report: Report) -> bool:
    return bool(report.conditions["Ready"]["status"] == "True")


def _checked(operator: Operator, app: App) -> float:
    return operator.value("leadsman_target_checked_timestamp_seconds", **app.check.labels)


def _labels(app: App, **more: str) -> tuple[tuple[str, str], ...]:
    return tuple(sorted({**app.check.labels, **more}.items()))


def _events(app: App) -> list[str]:
    return [event["reason"] for event in app.check.events()]
