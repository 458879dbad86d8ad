"""Services: what goes with their type, and comes back another."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from e2e.everyday.team import SENT
from harness.waiting import a_second_later

if TYPE_CHECKING:
    from collections.abc import Iterator

    from e2e.everyday.team import Team

# From the part of the range of which the API server gives none at random.
NODE_PORT = 30_011
TYPE, PORT = "/spec/type", "/spec/ports/0/nodePort"


def service(**spec: Any) -> dict[str, Any]:
    port = {"port": 80, **spec.pop("port", {})}
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": "web"},
        "spec": {"selector": {"app": "web"}, "ports": [port], **spec},
    }


def at_node(**spec: Any) -> dict[str, Any]:
    """Return a Service at a port of the nodes, which it gives up after each test."""
    return service(**{"type": "NodePort", "port": {"nodePort": NODE_PORT}} | spec)


@pytest.fixture(autouse=True)
def given_up(team: Team) -> Iterator[None]:
    """Have the cluster's addresses and ports free for the next test."""
    yield
    team.kubectl("delete", "service/web", "--ignore-not-found")


def deliver(team: Team, way: str) -> None:
    if way in SENT:
        team.apply(at_node(), flags=SENT[way])
    else:
        team.chart(at_node())
        team.helm("install", f"--server-side={str(way == 'helm').lower()}")
    assert team.told() == {}
    a_second_later()


@pytest.mark.parametrize("way", ["csa", "server-side", "helm", "helm by update"])
def test_the_type_is_changed(team: Team, way: str) -> None:
    deliver(team, way)
    team.patch("service/web", {"spec": {"type": "ClusterIP"}})
    told = team.told()
    assert told.keys() == {TYPE, PORT}
    assert told[TYPE] == ("Live", "kubectl-patch")


@pytest.mark.parametrize("way", ["csa", "server-side", "helm by update"])
def test_the_type_is_changed_and_changed_back(team: Team, way: str) -> None:
    """The API server takes the port away with the type, and gives another one with it."""
    deliver(team, way)
    for name in ("ClusterIP", "NodePort"):
        team.patch("service/web", {"spec": {"type": name}})
    port = "jsonpath={.spec.ports[0].nodePort}"
    assert team.kubectl("get", "service/web", "-o", port) != str(NODE_PORT)
    assert [*team.told()] == [PORT]


def test_the_type_is_changed_while_git_goes_on(team: Team) -> None:
    deliver(team, "helm")
    team.patch("service/web", {"spec": {"type": "ClusterIP"}})
    ahead = at_node()
    ahead["metadata"] |= {"labels": {"version": "two"}}
    team.chart(ahead)
    assert team.told() == {
        "/metadata/labels/version": ("Live", ""),
        TYPE: ("Live", "kubectl-patch"),
        PORT: ("Live", ""),
    }


@pytest.mark.parametrize("by_tool", [False, True])
def test_a_person_applies_another_type(team: Team, *, by_tool: bool) -> None:
    if by_tool:
        create = ("create", "--field-manager=argocd-controller", "-f", "-")
        team.kubectl(*create, stdin=team.git(at_node()))
    else:
        team.apply(at_node())
    assert team.told() == {}
    a_second_later()
    other = at_node(type="ClusterIP")
    team.kubectl("apply", "-f", "-", stdin=json.dumps(other))
    told = team.told()
    assert told.keys() == {TYPE, PORT}
    assert told[TYPE] == ("Live", "kubectl-client-side-apply")


def test_a_policy_for_traffic_goes_with_the_type(team: Team) -> None:
    team.apply(at_node(externalTrafficPolicy="Local"))
    assert team.told() == {}
    a_second_later()
    other = at_node(type="ClusterIP", externalTrafficPolicy="Local")
    team.kubectl("apply", "-f", "-", stdin=json.dumps(other))
    assert team.told().keys() == {TYPE, PORT, "/spec/externalTrafficPolicy"}


def test_an_address_that_is_given_up_comes_back_another(team: Team) -> None:
    team.kubectl("create", "service", "clusterip", "web", "--tcp=80")
    address = team.kubectl("get", "service/web", "-o", "jsonpath={.spec.clusterIP}")
    team.kubectl("delete", "service/web")
    team.apply(service(clusterIP=address))
    assert team.told() == {}
    a_second_later()
    team.patch("service/web", {"spec": {"type": "ExternalName", "externalName": "a.example"}})
    team.patch("service/web", {"spec": {"type": "ClusterIP", "externalName": None}})
    assert [*team.told()] == ["/spec/clusterIP"]


def test_a_port_that_git_drops_is_left_behind(team: Team) -> None:
    team.apply(at_node(), flags=SENT["flux"])
    assert team.told() == {}
    team.git(service(type="NodePort"))
    assert team.told() == {PORT: ("LeftBehind", "kustomize-controller")}


def test_what_git_drops_that_cannot_be_given_up(team: Team) -> None:
    def claim(**spec: Any) -> dict[str, Any]:
        needs = {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}}
        head = {"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": {"name": "disk"}}
        return {**head, "spec": {**needs, **spec}}

    before = service(clusterIP="None", ipFamilyPolicy="SingleStack"), claim(volumeMode="Block")
    team.apply(*before, flags=SENT["flux"])
    assert team.told() == {}
    team.git(service(), claim())
    told = {f"/spec/{name}" for name in ("clusterIP", "ipFamilyPolicy", "volumeMode")}
    assert team.told() == dict.fromkeys(told, ("LeftBehind", "kustomize-controller"))
