"""What a render takes from the cluster, what it may not reach, and what it makes of odd input."""

from __future__ import annotations

import json
import socket
import threading
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from controlplane.gitserver import GitServer
from e2e.failures.app import CONFIG, PLAIN, App, put
from e2e.failures.case import HELM, definition
from e2e.failures.servers import PASSWORD, USERNAME

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from controlplane.plane import ControlPlane
    from e2e.failures.servers import Servers
    from harness.checks import Report
    from harness.operator import Operator


@pytest.fixture
def app(
    control_plane: ControlPlane,
    operator: Operator,
    servers: Servers,
    home: str,
    request: pytest.FixtureRequest,
) -> Iterator[App]:
    """An application named after the test."""
    name = request.node.name.removeprefix("test_").replace("_", "-").replace("[", "-").rstrip("]")
    app = App(operator, control_plane, home, name.lower(), servers["open"])
    yield app
    app.check.delete()


@pytest.mark.parametrize("kind", ["ConfigMap", "Secret"])
def test_values_are_followed(app: App, kind: str) -> None:
    """That they come, change and go is seen at once: Git is asked once an hour."""

    def set_values(text: str) -> None:
        put(app.plane, app.namespace, f"{app.name}-values", {"values.yaml": text}, kind)

    app.deliver(HELM)
    reference = {"kind": kind, "name": f"{app.name}-values"}
    check = app.watch(interval="1h", helm={"valuesFrom": [reference]})
    report = check.wait(_fails("ValuesNotFound"), "missing values")
    assert report.verdict == "Unknown"
    assert f"{kind} {app.namespace}/{app.name}-values" in report.conditions["Ready"]["message"]
    set_values("colour: green")
    report = check.wait_verdict("InSync")
    set_values("colour: purple")
    report = check.wait_verdict("Drifted")
    (change,) = report.changes("ConfigMap", app.name).values()
    if kind == "Secret":  # all else is as for a ConfigMap
        assert (change["desired"], change["live"]) == ("*** (before)", "*** (after)")
        assert "purple" not in str((report.status, check.events()))
        return
    assert (change["desired"], change["live"]) == ("purple", "green")
    set_values("colour: [")
    report = check.wait(_fails("ValuesInvalid"), "bad values")
    assert report.verdict == "Drifted"
    assert "purple" not in report.conditions["Ready"]["message"]
    set_values("colour: green")
    check.wait_verdict("InSync")
    app.plane.kubectl("delete", kind, f"{app.name}-values", "-n", app.namespace)
    report = check.wait(_fails("ValuesNotFound"), "values gone")
    assert report.verdict == "Unknown"


def test_values_may_be_optional(app: App) -> None:
    app.deliver({**HELM, "app/values.yaml": "colour: green\n"})
    reference = {"kind": "ConfigMap", "name": "optional", "optional": True}
    check = app.watch(interval="1h", helm={"valuesFrom": [reference]})
    check.wait_verdict("InSync")
    put(app.plane, app.namespace, "optional", {"values.yaml": "colour: red"}, "ConfigMap")
    check.wait_verdict("Drifted")
    assert not check.events("RenderFailed")


def test_a_chart_sees_kinds_that_come_later(app: App) -> None:
    """That they come is seen at once: Git is asked once an hour."""
    guard = '{{ if not (.Capabilities.APIVersions.Has "later.example.org/v1") }}'
    fail = '{{ fail "install the definitions of later.example.org first" }}{{ end }}'
    app.deliver({**HELM, "app/templates/guard.yaml": guard + fail})
    check = app.watch(interval="1h", helm={"values": {"colour": "green"}})
    report = check.wait(_fails("TemplateFailed"), "the guard")
    assert "definitions of later.example.org" in report.conditions["Ready"]["message"]
    app.plane.kubectl("apply", "-f", "-", stdin=json.dumps(definition("later.example.org")))
    check.wait_verdict("InSync")


def test_a_spec_that_was_never_valid(app: App, operator: Operator) -> None:
    app.deliver()
    rule = {"paths": ["/data"], "target": {"kind": "Config["}}
    check = app.watch(compare={"ignore": [rule]})
    report = check.wait(_fails("InvalidSpec"), "invalid")
    assert report.verdict == "Unknown"
    assert "spec.compare.ignore[0].target.kind" in report.conditions["Ready"]["message"]
    assert "revision" not in report.status
    assert operator.value("leadsman_target_failing", stage="spec", **check.labels) == 1
    assert not operator.series("leadsman_target_checked_timestamp_seconds", **check.labels)
    check.patch(compare={"ignore": [rule | {"target": {"kind": "Config.*"}}]})
    check.wait_verdict("InSync")


@pytest.mark.parametrize("levels", [300, 1200, 9000])
def test_a_spec_of_too_many_levels_hides_no_other(app: App, levels: int) -> None:
    """Not even from an operator that finds it when it starts."""
    values = '{"a":' * levels + "1" + "}" * levels
    app.plane.kubectl("create", "-f", "-", stdin=_driftcheck(app, values))
    other = replace(app, name=f"other-{levels}")
    other.deliver()
    for _ in range(2):
        report = app.check.wait(_fails("InvalidSpec"), "too deep")
        said = "spec.helm.values: is nested deeper than 200 levels"
        assert said in report.conditions["Ready"]["message"]
        other.watch().wait_verdict("InSync")
        other.check.delete()
        app.operator.stop()
        app.operator.start()


def test_suspended_from_the_start_it_is_measured_against_what_git_said_then(app: App) -> None:
    """And goes on to be, though the branch it came from is gone."""
    app.deliver()
    first = app.repository.head(app.name)
    check = app.watch(suspend=True)
    report = check.wait_verdict("InSync")
    assert report.status["commit"]["sha"] == first
    app.commit({"app/config.yaml": CONFIG.replace("green", "blue")})
    app.repository.delete_branch(app.name)
    app.set_live("red")
    report = check.wait_verdict("Drifted")
    (change,) = report.changes("ConfigMap", app.name).values()
    assert (change["desired"], change["live"]) == ("green", "red")
    assert report.conditions["Ready"]["status"] == "True"
    check.patch(suspend=False)
    report = check.wait(_fails("RefNotFound"), "the branch to be missed")
    assert (report.verdict, report.status["commit"]["sha"]) == ("Drifted", first)
    assert report.conditions["Suspended"]["status"] == "False"


def test_what_renders_to_nothing_may_be_allowed(app: App) -> None:
    app.commit({"app/config.yaml": "# not yet\n"})
    check = app.watch(allowEmpty=True)
    report = check.wait_verdict("InSync")
    assert report.status["summary"]["total"] == 0


def test_the_last_object_that_is_dropped_is_an_orphan(app: App) -> None:
    """Even where Git renders nothing any more."""
    app.deliver()
    check = app.watch(allowEmpty=True)
    check.wait_verdict("InSync")
    app.commit({"app/config.yaml": "# no more\n"})
    report = check.wait_verdict("Drifted")
    assert report.states == {("ConfigMap", app.name): "Orphaned"}
    app.delete_live()
    check.wait_verdict("InSync")


def test_an_object_rendered_twice_is_a_warning(app: App) -> None:
    app.deliver({**PLAIN, "app/second.yaml": CONFIG.replace("green", "red")})
    check = app.watch()
    report = check.wait_verdict("Drifted")
    assert report.status["summary"]["total"] == 1
    (warning,) = report.status["warnings"]
    assert "by app/config.yaml" in warning
    assert "by app/second.yaml" in warning
    (change,) = report.changes("ConfigMap", app.name).values()
    assert change["desired"] == "red", "the last one counts"
    app.commit({"app/second.yaml": None})
    report = check.wait_verdict("InSync")
    assert "warnings" not in report.status


def test_what_cannot_be_read_back_is_never_in_sync(app: App, operator: Operator) -> None:
    review = "apiVersion: authentication.k8s.io/v1\nkind: SelfSubjectReview\nmetadata: {name: me}\n"
    app.deliver({**PLAIN, "app/review.yaml": review})
    check = app.watch()
    report = check.wait_verdict("Unknown")
    assert report.states == {("SelfSubjectReview", "me"): "Unverifiable"}
    told = report.object("SelfSubjectReview", "me")
    assert (told["reason"], told["file"]) == ("KindNotReadable", "app/review.yaml")
    in_sync = report.conditions["InSync"]
    assert (in_sync["status"], in_sync["reason"]) == ("Unknown", "Unverifiable")
    assert operator.value("leadsman_target_objects", state="Unverifiable", **check.labels) == 1
    app.set_live("red")
    check.wait_verdict("Drifted")
    app.set_live("green")
    check.wait_verdict("Unknown")


HIDDEN = "apiVersion: builtin\nkind: PatchTransformer\nmetadata: {name: hidden}\npath: URL\n"
REACHING = {
    "resource": {"app/kustomization.yaml": "resources: ['URL']\n"},
    "component": {"app/kustomization.yaml": "components: ['URL']\n"},
    "repository": {"app/kustomization.yaml": "resources: ['URL/shop.git//base?ref=main']\n"},
    "patch": {"app/kustomization.yaml": "resources: [config.yaml]\npatches: [{path: 'URL'}]\n"},
    "openapi": {"app/kustomization.yaml": "resources: [config.yaml]\nopenapi: {path: 'URL'}\n"},
    "generator": {"app/kustomization.yaml": "configMapGenerator: [{name: a, files: ['b=URL']}]\n"},
    "values": {"app/Chart.yaml": "apiVersion: v2\nname: shop\nversion: 1.0.0\n"},
    # Nobody looks for a URL there: it is the sandbox that refuses.
    "hidden": {
        "app/kustomization.yaml": "resources: [config.yaml]\ntransformers: [./plugins]\n",
        "app/plugins/kustomization.yaml": "resources: [plugin.yaml]\n",
        "app/plugins/plugin.yaml": HIDDEN,
    },
}


@pytest.fixture(scope="module")
def listener() -> Iterator[tuple[str, list[object]]]:
    """A socket that answers like a web server: its URL, and who has connected."""
    came: list[object] = []
    with socket.create_server(("127.0.0.1", 0)) as server:

        def answer() -> None:
            while True:
                connection, peer = server.accept()
                with connection:
                    if peer[1] == done.getsockname()[1]:
                        return
                    came.append(peer)
                    connection.sendall(b"HTTP/1.0 404 Not Found\r\n\r\n")

        done = socket.socket()
        done.bind(("127.0.0.1", 0))
        thread = threading.Thread(target=answer)
        thread.start()
        yield f"http://127.0.0.1:{server.getsockname()[1]}", came
        done.connect(server.getsockname())
        thread.join()
        done.close()


@pytest.mark.parametrize("by", REACHING)
def test_a_render_reaches_nothing(app: App, listener: tuple[str, list[object]], by: str) -> None:
    url, came = listener
    files = {path: text.replace("URL", f"{url}/a.yaml") for path, text in REACHING[by].items()}
    app.commit({**PLAIN, **files})
    spec = {"helm": {"valuesFiles": [f"{url}/values.yaml"]}} if by == "values" else {}
    check = app.watch(**spec)
    report = check.wait(lambda report: report.verdict, "a verdict")
    ready = report.conditions["Ready"]
    reason = {"hidden": "BuildFailed", "values": "RemoteValuesFile"}.get(by, "RemoteBase")
    assert (report.verdict, ready["reason"]) == ("Unknown", reason), ready["message"]
    assert url in ready["message"]
    assert not came


def test_credentials_are_in_no_command_line(
    control_plane: ControlPlane, operator: Operator, home: str
) -> None:
    """Looked at while git waits for the server, which it has shown them to."""
    with GitServer(username=USERNAME, password=PASSWORD) as server:
        app = App(operator, control_plane, home, "command-line", server)
        app.deliver()
        put(control_plane, home, "asked", {"username": USERNAME, "password": PASSWORD})
        server.delay = 60
        check = app.watch(secretRef={"name": "asked"})
        assert server.asked.wait(30)
        lines = _command_lines(operator.pid)
        assert any("ls-remote" in line and app.url in line for line in lines), lines
        assert not any(PASSWORD in line for line in lines)
        server.delay = 0
        check.delete()


def _driftcheck(app: App, values: str) -> str:
    """A DriftCheck as text: what is nested this deep no encoder here writes."""
    body = {
        "apiVersion": "leadsman.dev/v1alpha1",
        "kind": "DriftCheck",
        "metadata": {"name": app.name, "namespace": app.namespace},
        "spec": {"url": app.url, "helm": {"values": "VALUES"}},
    }
    return json.dumps(body).replace('"VALUES"', values)


def _command_lines(pid: int) -> list[str]:
    """The command lines of a process and of all that it has started."""
    children: dict[int, list[int]] = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            parent = int(stat.read_text().rpartition(")")[2].split()[1])
        except (FileNotFoundError, ProcessLookupError):
            continue
        children.setdefault(parent, []).append(int(stat.parent.name))
    found, waiting = [], [pid]
    while waiting:
        process = waiting.pop()
        waiting += children.get(process, [])
        try:
            text = Path(f"/proc/{process}/cmdline").read_bytes().decode(errors="replace")
        except (FileNotFoundError, ProcessLookupError):
            continue
        found.append(text.replace("\0", " "))
    return found


def _fails(reason: str) -> Callable[[Report], bool]:
    return lambda report: bool(report.conditions.get("Ready", {}).get("reason") == reason)
