"""Who has sent what, where several have, or one in several ways."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from e2e.everyday.team import DEPLOYMENT, ENV, PARTS, SENT, deployment, parts, web
from harness.jars import define, jar
from harness.waiting import a_second_later

if TYPE_CHECKING:
    from e2e.everyday.team import Team


def config(**metadata: Any) -> dict[str, Any]:
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": "web", **metadata},
        "data": {"a": "b"},
    }


@pytest.mark.parametrize(
    ("way", "manager", "name"),
    [
        ("argo", "argocd-controller", "argocd.argoproj.io/sync-options"),
        ("flux", "kustomize-controller", "kustomize.toolkit.fluxcd.io/prune"),
        ("csa", "kubectl-client-side-apply", "kustomize.toolkit.fluxcd.io/ssa"),
    ],
)
def test_a_word_to_a_tool_that_git_drops_is_left_behind(
    team: Team, way: str, manager: str, name: str
) -> None:
    before = config(annotations={name: "x", "example.com/other": "x"})
    team.apply(before, flags=SENT.get(way, ("--server-side", f"--field-manager={manager}")))
    assert team.told() == {}
    team.git(config())
    annotations = (name.replace("/", "~1"), "example.com~1other")
    told = {f"/metadata/annotations/{each}": ("LeftBehind", manager) for each in annotations}
    assert team.told() == told


def test_a_label_that_a_chart_drops_is_left_behind_though_tools_write_such(team: Team) -> None:
    team.chart(config(labels={"app.kubernetes.io/instance": "web"}))
    team.helm("install")
    assert team.told() == {}
    team.chart(config())
    label = "/metadata/labels/app.kubernetes.io~1instance"
    assert team.told() == {label: ("LeftBehind", "helm")}


@pytest.mark.parametrize("flags", [(), ("--server-side",)])
def test_the_marks_of_a_set_are_no_drift(
    team: Team, flags: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KUBECTL_APPLYSET", "true")
    team.git(config())
    team.kubectl("apply", *flags, "--prune", "--applyset=sets", "-f", str(team.folder))
    assert team.told() == {}


def test_what_flux_suspends_by_hand_is_a_persons(team: Team) -> None:
    group = f"{team.namespace}.example"
    define(team.plane, group, v1={"size": {"type": "integer"}, "suspend": {"type": "boolean"}})
    team.apply(jar(group, {"size": 1}), flags=SENT["flux"])
    assert team.told() == {}
    suspend = {"spec": {"suspend": True}}
    team.patch(f"jars.{group}/one", suspend, "--field-manager=flux")
    assert team.told() == {"/spec/suspend": ("Live", "flux")}


def test_what_git_drops_is_left_behind_though_the_api_server_would_keep_it(team: Team) -> None:
    team.apply(deployment(serviceAccountName="strong"), flags=SENT["flux"])
    assert team.told() == {}
    team.git(DEPLOYMENT)
    name = "/spec/template/spec/serviceAccountName"
    assert team.told() == {name: ("LeftBehind", "kustomize-controller")}


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("argocd-controller", "kubectl"),
        ("kustomize-controller", "argocd-controller"),
        ("flux", "kustomize-controller"),
    ],
)
def test_what_git_drops_is_left_behind_though_two_have_applied_it(
    team: Team, first: str, second: str
) -> None:
    """Who only joins in is noted, but without a time."""
    team.send(first, web("A", "B"))
    team.send(second, web("A", "B"))
    team.git(web("A", "B"))
    assert team.told() == {}
    team.git(web("A"))
    assert team.told() == {ENV.format(1): ("LeftBehind", first)}


@pytest.mark.parametrize("manager", ["helm", "kustomize-controller"])
def test_what_git_drops_of_a_whole_is_left_behind_though_a_person_has_applied_it(
    team: Team, manager: str
) -> None:
    team.send(manager, *parts("pods", "services"))
    a_second_later()
    team.send("kubectl", *parts("pods", "services"))
    team.git(*parts("pods", "services"))
    assert team.told() == {}
    team.git(*parts("pods"))
    # As it was sent, this list has no protocols: who applies it beside another one changes it.
    forced = {"/spec/egress/0/ports/1": ("Live", "kubectl")}
    assert team.told() == dict.fromkeys(PARTS, ("LeftBehind", manager)) | forced


def everything(*names: str) -> tuple[dict[str, Any], ...]:
    """Return what has keyed lists, and what is owned as a whole."""
    return web(*["A", "B"][: len(names)]), *parts(*names)


DROPPED = PARTS | {ENV.format(1)}


def test_what_a_tool_has_created_and_then_applied(team: Team) -> None:
    text = team.git(*everything("pods", "services"))
    team.kubectl("create", "--field-manager=argocd-controller", "-f", "-", stdin=text)
    team.send("argocd-controller", *everything("pods", "services"))
    assert team.told() == {}
    team.git(*everything("pods"))
    assert team.told() == dict.fromkeys(DROPPED, ("LeftBehind", "argocd-controller"))


def test_fields_that_a_tool_has_created_and_then_applied(team: Team) -> None:
    before = deployment(priorityClassName="x", hostNetwork=True)
    text = team.git(before)
    team.kubectl("create", "--field-manager=argocd-controller", "-f", "-", stdin=text)
    team.send("argocd-controller", before)
    assert team.told() == {}
    team.git(DEPLOYMENT)
    told = {f"/spec/template/spec/{name}" for name in ("priorityClassName", "hostNetwork")}
    assert team.told() == dict.fromkeys(told, ("LeftBehind", "argocd-controller"))


def test_what_a_person_has_created_and_then_applied(team: Team) -> None:
    team.git(*everything("pods", "services"))
    team.kubectl("create", "-f", str(team.folder))
    team.kubectl("apply", "-f", str(team.folder))
    assert team.told() == {}
    team.git(*everything("pods"))
    told = team.told()
    assert told.keys() == DROPPED
    assert {cause for cause, _ in told.values()} == {"LeftBehind"}


def test_kubectl_goes_from_client_side_to_server_side_and_back(team: Team) -> None:
    before, after = everything("pods", "services"), everything("pods")
    team.apply(*before)
    for flags in (("--server-side", "--force-conflicts"), ()):
        team.apply(*before, flags=flags)
        assert team.told() == {}
        team.git(*after)
        told = team.told()
        assert told.keys() == DROPPED
        assert {cause for cause, _ in told.values()} == {"LeftBehind"}


def test_helm_goes_from_client_side_to_server_side(team: Team) -> None:
    team.chart(*everything("pods", "services"))
    team.helm("install", "--server-side=false")
    team.helm("upgrade", "--server-side=true", "--force-conflicts")
    assert team.told() == {}
    team.chart(*everything("pods"))
    assert team.told() == dict.fromkeys(DROPPED, ("LeftBehind", "helm"))


def test_helm_takes_over_what_kubectl_has_applied(team: Team) -> None:
    team.send("kubectl", web("A", "B"))
    team.chart(web("A", "B"))
    team.helm("upgrade", "--install", "--take-ownership", "--force-conflicts")
    assert team.told() == {}
    team.chart(web("A"))
    assert team.told() == {ENV.format(1): ("LeftBehind", "helm")}


def secret(**rest: dict[str, str]) -> dict[str, Any]:
    return {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "keys"}, **rest}


KEYS = secret(data={"a": "eA==", "b": "eA=="})


def deliver_keys(team: Team, way: str) -> None:
    if way.startswith("helm"):
        team.chart(KEYS)
        team.helm("install", f"--server-side={str(way == 'helm').lower()}")
    else:
        team.apply(KEYS, flags=SENT[way])
    assert team.told() == {}
    a_second_later()


@pytest.mark.parametrize(("way", "person"), [("flux", "kubectl"), ("helm", "me")])
def test_a_person_applies_a_key_as_a_string(team: Team, way: str, person: str) -> None:
    deliver_keys(team, way)
    team.send(person, secret(stringData={"a": "evil"}))
    assert team.told() == {"/data/a": ("Live", person)}


def test_a_person_applies_a_key_as_a_string_over_what_kubectl_applied(team: Team) -> None:
    """Then kubectl takes over, as it does from itself, and removes what the file has not."""
    deliver_keys(team, "csa")
    team.send("me", secret(stringData={"a": "evil"}))
    assert team.told() == {"/data/a": ("Live", "me"), "/data/b": ("Live", "")}


@pytest.mark.parametrize("way", ["csa", "helm by update"])
def test_a_program_applies_a_key_as_a_string(team: Team, way: str) -> None:
    deliver_keys(team, way)
    path = f"/api/v1/namespaces/{team.namespace}/secrets/keys?fieldManager=other&force=true"
    team.plane.api.patch(path, secret(stringData={"a": "evil"}), "apply-patch+yaml")
    assert team.told() == {"/data/a": ("Live", "other")}


@pytest.mark.parametrize("way", ["csa", "flux"])
def test_a_person_replaces_all_and_leaves_out_some(team: Team, way: str) -> None:
    before = deployment(
        **web("A", "B")["spec"]["template"]["spec"],
        hostNetwork=True,
        terminationGracePeriodSeconds=0,
    )
    before["spec"]["template"]["metadata"]["annotations"] = {"note": "x"}
    team.apply(before, flags=SENT[way])
    assert team.told() == {}
    body = json.loads(team.kubectl("get", "deployment/web", "-o", "json", "--show-managed-fields"))
    pod = body["spec"]["template"]["spec"]
    del pod["hostNetwork"], pod["terminationGracePeriodSeconds"], pod["containers"][0]["env"][1]
    del body["spec"]["template"]["metadata"]["annotations"]
    team.kubectl("replace", "-f", "-", stdin=json.dumps(body))
    pod = "/spec/template/spec"
    assert team.told() == {
        "/spec/template/metadata/annotations/note": ("Live", ""),
        ENV.format(1): ("Live", ""),
        f"{pod}/hostNetwork": ("Live", ""),
        f"{pod}/terminationGracePeriodSeconds": ("Live", "kubectl-replace"),
    }


@pytest.mark.parametrize("way", ["csa", "flux"])
def test_a_person_puts_there_what_git_has(team: Team, way: str) -> None:
    team.apply(web("A"), *parts("pods"), flags=SENT[way])
    for flags in ((), ("--force",)):
        team.kubectl("replace", *flags, "-f", str(team.folder))
        assert team.told() == {}


@pytest.mark.parametrize("way", ["csa", "server-side"])
def test_a_person_gives_an_account_where_git_has_its_old_name(team: Team, way: str) -> None:
    team.apply(deployment(serviceAccount="weak"), flags=SENT[way])
    assert team.told() == {}
    team.kubectl("set", "serviceaccount", "deployment/web", "strong")
    names = ("serviceAccount", "serviceAccountName")
    told = {f"/spec/template/spec/{name}": ("Live", "kubectl-set") for name in names}
    assert team.told() == told
