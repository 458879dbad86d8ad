"""DryRun mode: the API server's own answer decides.

The operator runs with the ServiceAccount, the permissions and the fence of deploy/'s component.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from controlplane.api import ApiError
from controlplane.gitserver import GitServer
from controlplane.plane import ControlPlane
from controlplane.webhook import Webhook
from harness.checks import Check
from harness.operator import NAMESPACE, SERVICE_ACCOUNT, Operator, install
from harness.waiting import until

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from controlplane.gitrepo import Repository
    from controlplane.toolchain import Tools
    from harness.checks import Report

USER = f"system:serviceaccount:{NAMESPACE}:{SERVICE_ACCOUNT}"
WEB = ("Deployment", "web")


def deployment(**spec: Any) -> dict[str, Any]:
    pod = {"containers": [{"name": "web", "image": "web:1"}]}
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "web"},
        "spec": {
            "replicas": 1,
            "selector": {"matchLabels": {"app": "web"}},
            "template": {"metadata": {"labels": {"app": "web"}}, "spec": pod},
            **spec,
        },
    }


def configmap(name: str, **data: str) -> dict[str, Any]:
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}, "data": data}


@pytest.fixture(scope="module")
def control_plane(tools: Tools) -> Iterator[ControlPlane]:
    """A cluster of its own: admission policies are everybody's."""
    with ControlPlane(tools, audit=True) as plane:
        install(plane, "dry-run")
        yield plane


@pytest.fixture(scope="module")
def operator(
    control_plane: ControlPlane, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Operator]:
    folder = tmp_path_factory.mktemp("operator")
    with Operator.in_pod(control_plane, folder, "--mode", "DryRun") as operator:
        yield operator


@pytest.fixture(scope="module")
def git() -> Iterator[GitServer]:
    with GitServer() as server:
        yield server


@dataclass(frozen=True, slots=True)
class App:
    """A repository with one file of manifests, and its DriftCheck."""

    repository: Repository
    check: Check

    def kubectl(self, *arguments: str, stdin: str = "") -> str:
        check = self.check
        return check.plane.kubectl(*arguments, "-n", check.namespace, stdin=stdin).stdout

    def commit(self, *objects: dict[str, Any]) -> None:
        self.repository.commit({"all.yaml": yaml.safe_dump_all(objects)})

    def asked(self, name: str) -> int:
        """How often the API server was asked about an object."""
        return sum(
            event["stage"] == "ResponseComplete"
            and event["verb"] in {"patch", "create"}
            and "dryRun=All" in event["requestURI"]
            and event["objectRef"].get("namespace") == self.check.namespace
            and event["objectRef"].get("name") == name
            for event in self.check.plane.audit_events(USER)
        )

    def wait(self, condition: Callable[[Report], object], what: str) -> Report:
        return self.check.wait(condition, what)


@pytest.fixture
def open_app(
    operator: Operator, control_plane: ControlPlane, git: GitServer, namespace: str
) -> Callable[..., App]:
    """Deliver manifests and have them checked; each poll follows in 2 s."""

    def open_app(
        *objects: dict[str, Any], apply: tuple[str, ...] | None = ("apply",), **spec: Any
    ) -> App:
        repository = git.create(namespace)
        app = App(repository, Check(operator, control_plane, namespace, "app"))
        app.commit(*objects)
        if apply is not None:
            app.kubectl(*apply, "-f", "-", stdin=yaml.safe_dump_all(objects))
        app.check.create(**{"url": git.url(namespace), "interval": "2s"} | spec)
        app.wait(lambda report: report.verdict, "a verdict")
        return app

    return open_app


def register(plane: ControlPlane, body: dict[str, Any]) -> None:
    plane.kubectl("apply", "-f", "-", stdin=json.dumps(body))


def in_force(plane: ControlPlane, namespace: str, probe: dict[str, Any], check: Any) -> None:
    """Wait until the API server goes by what was just registered, which takes it a moment."""
    path = f"/apis/apps/v1/namespaces/{namespace}/deployments?dryRun=All"

    def meets() -> bool:
        try:
            return bool(check(plane.api.create(path, probe)))
        except ApiError as error:
            return bool(check(error))

    until(meets, "the API server to take up what was registered")


def policy(name: str, namespace: str, kind: str, **spec: Any) -> list[dict[str, Any]]:
    """An admission policy on a namespace's Deployments, and its binding."""
    head = {"apiVersion": "admissionregistration.k8s.io/v1", "metadata": {"name": name}}
    rule = {
        "apiGroups": ["apps"],
        "apiVersions": ["v1"],
        "resources": ["deployments"],
        "operations": ["CREATE", "UPDATE"],
    }
    selector = {"matchLabels": {"kubernetes.io/metadata.name": namespace}}
    return [
        {
            **head,
            "kind": kind,
            "spec": {
                "failurePolicy": "Fail",
                "matchConstraints": {"resourceRules": [rule], "namespaceSelector": selector},
                **spec,
            },
        },
        {
            **head,
            "kind": f"{kind}Binding",
            "spec": {
                "policyName": name,
                **({"validationActions": ["Deny"]} if kind.startswith("Val") else {}),
            },
        },
    ]


# These come first: a change of admission has everything asked about anew, once a minute.


def _round(report: Report) -> str:
    change = report.changes("ConfigMap", "marker").get("/metadata/annotations/round", {})
    return str(change.get("live", ""))


def test_an_unchanged_object_is_asked_about_once(
    open_app: Callable[..., App], control_plane: ControlPlane, namespace: str
) -> None:
    app = open_app(deployment(), configmap("marker", a="1"))
    until(lambda: app.asked("web") and app.asked("marker"), "both to be confirmed")
    # A status that moves, another commit, and a new list of all objects change nothing of it.
    path = f"/apis/apps/v1/namespaces/{namespace}/deployments/web/status"
    control_plane.api.patch(path, {"status": {"replicas": 7, "observedGeneration": 1}})
    app.repository.commit({"README.md": "nothing that is rendered"})
    control_plane.restart_apiserver()
    for count in (2, 3):
        app.kubectl("annotate", "--overwrite", "configmap/marker", f"round={count}")
        app.wait(lambda report: _round(report) == str(count), "the marker's change")  # noqa: B023 - waited for in this round
        assert app.asked("marker") == count
    assert app.asked("web") == 1


def _answered(operator: Operator) -> float:
    """How often the API server has answered this process."""
    return sum(operator.series("leadsman_dry_runs_total").values())


def test_after_a_restart_only_what_has_changed_is_asked_about(
    operator: Operator, open_app: Callable[..., App], control_plane: ControlPlane, namespace: str
) -> None:
    before = _answered(operator)
    other = configmap("other", a="1")
    app = open_app(deployment(), configmap("marker", a="1"), other)
    until(lambda: _answered(operator) >= before + 3, "all to be confirmed")
    operator.stop()
    app.kubectl("delete", "configmap/other")
    app.kubectl("apply", "-f", "-", stdin=json.dumps(other))
    path = f"/apis/apps/v1/namespaces/{namespace}/deployments/web/status"
    control_plane.api.patch(path, {"status": {"replicas": 7, "observedGeneration": 1}})
    operator.start()
    until(lambda: app.asked("other") == 2, "what was made anew to be asked about")
    app.kubectl("annotate", "--overwrite", "configmap/marker", "round=2")
    app.wait(lambda report: _round(report) == "2", "the marker's change")
    assert (app.asked("marker"), app.asked("web")) == (2, 1)


def test_after_a_restart_with_another_admission_everything_is_asked_about(
    operator: Operator, open_app: Callable[..., App], control_plane: ControlPlane, namespace: str
) -> None:
    before = _answered(operator)
    app = open_app(deployment())
    until(lambda: _answered(operator) > before, "it to be confirmed")
    operator.stop()
    for body in policy(
        f"deaf-{namespace}",
        namespace,
        "ValidatingAdmissionPolicy",
        validations=[{"expression": "false", "message": "nothing at all"}],
    ):
        register(control_plane, body)
    operator.start()
    app.wait(lambda report: report.states.get(WEB) == "Rejected", "the new policy")
    assert app.asked("web") > 1


def test_a_new_policy_is_noticed_though_nothing_else_changes(
    open_app: Callable[..., App], control_plane: ControlPlane, namespace: str
) -> None:
    app = open_app(deployment(), configmap("other", a="1"))
    until(lambda: app.asked("web"), "it to be confirmed")
    validation = {"expression": "false", "message": "nothing at all"}
    name = f"late-{namespace}"
    for body in policy(name, namespace, "ValidatingAdmissionPolicy", validations=[validation]):
        register(control_plane, body)
    report = app.check.wait(
        lambda report: report.states.get(WEB) == "Rejected", "the new policy", timeout=100
    )
    assert name in report.object(*WEB)["message"]
    assert list(report.states) == [WEB]


MUTATION = """\
Object{
  metadata: Object.metadata{labels: {"injected": "yes"}},
  spec: Object.spec{
    replicas: object.spec.replicas < 3 ? 3 : object.spec.replicas,
    template: Object.spec.template{spec: Object.spec.template.spec{
      containers: [Object.spec.template.spec.containers{name: "sidecar", image: "sidecar:1"}]
    }}
  }
}"""


def mutate_by_policy(plane: ControlPlane, namespace: str) -> None:
    mutation = {"patchType": "ApplyConfiguration", "applyConfiguration": {"expression": MUTATION}}
    spec = {"reinvocationPolicy": "Never", "mutations": [mutation]}
    for body in policy(f"m-{namespace}", namespace, "MutatingAdmissionPolicy", **spec):
        register(plane, body)
    in_force(plane, namespace, deployment(), lambda got: got["spec"]["replicas"] == 3)


APPLIES = [("apply",), ("apply", "--server-side")]


@pytest.mark.parametrize("apply", APPLIES, ids=" ".join)
def test_what_a_mutating_policy_changes_is_no_drift_and_what_a_person_does_is(
    open_app: Callable[..., App],
    control_plane: ControlPlane,
    namespace: str,
    apply: tuple[str, ...],
) -> None:
    mutate_by_policy(control_plane, namespace)
    app = open_app(deployment(), apply=apply)
    report = app.check.wait_verdict("InSync")
    live = control_plane.api.get(f"/apis/apps/v1/namespaces/{namespace}/deployments/web")
    assert live["spec"]["replicas"] == 3
    assert len(live["spec"]["template"]["spec"]["containers"]) == 2
    assert report.status["summary"]["admissionFields"] == 1
    app.kubectl("scale", "deployment/web", "--replicas=7")
    report = app.wait(lambda report: report.verdict == "Drifted", "the person's change")
    change = report.changes(*WEB)["/spec/replicas"]
    assert (change["desired"], change["live"], change["cause"]) == (1, 7, "Live")
    app.kubectl("scale", "deployment/web", "--replicas=3")
    app.check.wait_verdict("InSync")
    app.kubectl("set", "env", "deployment/web", "-c=web", "EVIL=1")
    report = app.wait(lambda report: report.verdict == "Drifted", "what a person added")
    (change,) = report.object(*WEB)["changes"]
    assert change["field"] == '.spec.template.spec.containers[name="web"].env[name="EVIL"]'


def test_what_a_webhook_changes_is_no_drift(
    open_app: Callable[..., App], control_plane: ControlPlane, namespace: str
) -> None:
    def decide(_asked: dict[str, Any]) -> list[dict[str, Any]]:
        return [{"op": "replace", "path": "/spec/replicas", "value": 4}]

    with Webhook("mutate.example.com", decide) as hook:
        register(control_plane, hook.configuration("deployments", namespace))
        in_force(control_plane, namespace, deployment(), lambda got: got["spec"]["replicas"] == 4)
        app = open_app(deployment())
        report = app.check.wait_verdict("InSync")
        assert report.status["summary"]["admissionFields"] == 1
        app.kubectl("set", "image", "deployment/web", "web=evil:1")
        report = app.wait(lambda report: report.verdict == "Drifted", "the person's change")
        (path,) = report.changes(*WEB)
        assert path == "/spec/template/spec/containers/0/image"
        control_plane.kubectl("delete", "mutatingwebhookconfiguration", hook.name)


def test_a_webhook_that_does_not_answer_leaves_open_what_differs(
    open_app: Callable[..., App], control_plane: ControlPlane, namespace: str
) -> None:
    with Webhook("gone.example.com", lambda _asked: []) as hook:
        app = open_app(deployment(), configmap("calm", a="1"))
        app.check.wait_verdict("InSync")
        configuration = hook.configuration("deployments", namespace, mutating=False)
        rule = configuration["webhooks"][0]["rules"][0]
        rule["resources"].append("deployments/scale")
        register(control_plane, configuration)
        app.kubectl("scale", "deployment/web", "--replicas=5")
        app.check.wait_verdict("Drifted")
        hook.stop()
        # Past admission: the webhook hears of it no more.
        control_plane.kubectl("label", "namespace", namespace, "any=thing")
        app.kubectl("annotate", "configmap/calm", "any=thing")
        app.wait(lambda report: ("ConfigMap", "calm") in report.states, "another kind's change")
        app.commit(deployment(replicas=2), configmap("calm", a="1"))
        report = app.wait(lambda report: report.states.get(WEB) == "Unverifiable", "left open")
        found = report.object(*WEB)
        assert found["reason"] == "WebhookFailed"
        assert "gone.example.com" in found["message"]
        assert found["changes"]
        hook.start()
        app.wait(lambda report: report.states.get(WEB) == "Modified", "decided at last")
        control_plane.kubectl("delete", "validatingwebhookconfiguration", hook.name)


def test_what_a_policy_refuses_is_rejected_with_its_name(
    open_app: Callable[..., App], control_plane: ControlPlane, namespace: str
) -> None:
    validation = {"expression": "object.spec.replicas < 5", "message": "no more than four"}
    name = f"v-{namespace}"
    for body in policy(name, namespace, "ValidatingAdmissionPolicy", validations=[validation]):
        register(control_plane, body)
    in_force(
        control_plane,
        namespace,
        deployment(replicas=9),
        lambda got: isinstance(got, ApiError) and "no more than four" in str(got),
    )
    app = open_app(deployment())
    app.check.wait_verdict("InSync")
    new = deployment(replicas=9)
    new["metadata"]["name"] = "new"
    app.commit(deployment(replicas=8), new)
    report = app.wait(lambda report: len(report.states) == 2, "both refused")
    assert set(report.states.values()) == {"Rejected"}
    for found in (report.object("Deployment", "new"), report.object(*WEB)):
        assert found["reason"] == "PolicyDenied"
        assert name in found["message"]
        assert "no more than four" in found["message"]
    assert report.changes(*WEB)["/spec/replicas"]["desired"] == 8
    assert report.verdict == "Unknown"


def test_what_validation_refuses_is_rejected(open_app: Callable[..., App]) -> None:
    app = open_app(deployment())
    app.check.wait_verdict("InSync")
    new = deployment(replicas="many")
    new["metadata"]["name"] = "new"
    app.commit(deployment(minReadySeconds=-1), new)
    report = app.wait(lambda report: len(report.states) == 2, "both refused")
    assert set(report.states.values()) == {"Rejected"}
    assert "minReadySeconds" in report.object(*WEB)["message"]
    assert "replicas" in report.object("Deployment", "new")["message"]


def test_a_missing_object_that_would_be_taken_is_missing(open_app: Callable[..., App]) -> None:
    app = open_app(deployment(), configmap("gone", a="1"))
    app.check.wait_verdict("InSync")
    app.kubectl("delete", "configmap", "gone")
    report = app.wait(lambda report: report.verdict == "Drifted", "missing")
    assert report.states == {("ConfigMap", "gone"): "Missing"}


def test_drift_that_delivery_cannot_bring_back_is_drift_with_the_reason(
    open_app: Callable[..., App],
) -> None:
    def job(image: str) -> dict[str, Any]:
        pod = {"restartPolicy": "Never", "containers": [{"name": "a", "image": image}]}
        spec = {"suspend": True, "template": {"spec": pod}}
        head = {"apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": "once"}}
        return {**head, "spec": spec}

    app = open_app(job("a:1"))
    app.check.wait_verdict("InSync")
    app.kubectl("replace", "--force", "-f", "-", stdin=json.dumps(job("evil:1")))
    report = app.wait(
        lambda report: report.object("Job", "once").get("reason") == "Invalid", "made anew"
    )
    found = report.object("Job", "once")
    assert found["state"] == "Modified"
    assert "field is immutable" in found["message"]
    (change,) = found["changes"]
    assert (change["desired"], change["live"]) == ("a:1", "evil:1")


def test_what_delivery_would_remove_is_left_behind(open_app: Callable[..., App]) -> None:
    both = configmap("settings", a="1", b="2")
    manager = ("apply", "--server-side", "--field-manager=deployer")
    app = open_app(both, apply=manager, compare={"manager": "deployer"})
    app.check.wait_verdict("InSync")
    app.commit(configmap("settings", a="1"))
    report = app.wait(lambda report: report.verdict == "Drifted", "left behind")
    change = report.changes("ConfigMap", "settings")["/data/b"]
    assert (change["cause"], change["manager"]) == ("LeftBehind", "deployer")


def test_kinds_that_rbac_leaves_out_are_compared_locally(open_app: Callable[..., App]) -> None:
    secret = {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": "s"},
        "data": {"a": "YQ=="},
    }
    role = {
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": "Role",
        "metadata": {"name": "r"},
        "rules": [{"apiGroups": [""], "resources": ["pods"], "verbs": ["get"]}],
    }
    revision = {
        "apiVersion": "apps/v1",
        "kind": "ControllerRevision",
        "metadata": {"name": "c"},
        "revision": 1,
        "data": {"a": 1},
    }
    app = open_app(secret, role, revision)
    app.check.wait_verdict("InSync")
    report = app.wait(lambda report: report.status.get("warnings"), "the warning")
    (warning,) = report.status["warnings"]
    assert warning.startswith("controllerrevisions.apps are compared locally only")
    app.kubectl("label", "role/r", "secret/s", "evil=yes")
    report = app.wait(lambda report: len(report.states) == 2, "drift")
    assert set(report.states.values()) == {"Added"}


def test_texts_that_server_side_apply_cannot_read_as_they_are_are_in_sync(
    open_app: Callable[..., App],
) -> None:
    odd = 'a\x07\x7f\x80\x85\u2028\u2029\ufeff\uffff\U0001f600 \\ " \n\t'
    plain = configmap("odd", odd=odd)
    container = {"name": "web", "image": "web:1"}
    # Two variables of one name are more than a list with keys may hold.
    container |= {"env": [{"name": "A", "value": "1"}, {"name": "A", "value": "2"}]}  # type: ignore[dict-item]
    doubled = deployment()
    doubled["spec"]["template"]["spec"]["containers"] = [container]
    app = open_app(plain, doubled)
    until(lambda: app.asked("odd") and app.asked("web"), "both to be confirmed")
    report = app.check.wait_verdict("InSync")
    assert not report.states
    app.kubectl("set", "image", "deployment/web", "web=evil:1")
    report = app.wait(lambda report: report.verdict == "Drifted", "drift")
    assert list(report.changes(*WEB)) == ["/spec/template/spec/containers/0/image"]


def test_answers_are_counted(operator: Operator, open_app: Callable[..., App]) -> None:
    app = open_app(configmap("one", a="1"))
    until(lambda: app.asked("one"), "it to be confirmed")
    until(lambda: operator.value("leadsman_dry_runs_total", outcome="accepted") >= 1, "the count")
