"""Objects and schemas at the edge of what there is: a verdict or a reason, and never in sync."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from e2e.versions.spoiler import spoiled
from harness.checks import Check

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from controlplane.gitserver import GitServer
    from controlplane.plane import ControlPlane
    from e2e.drift.command import Leadsman
    from harness.operator import Operator

SURPRISES = "\ufeff é e\u0301 \u202eright\u202c \u2028\u2029 \u200b \U0001f600 \ufffd \u007f < > &"
# An object of 1.5 MB with them: etcd takes 1.5 MiB, managedFields included.
LINES = [f"line {number}" for number in range(115_200)]
DEFINITION = {
    "apiVersion": "apiextensions.k8s.io/v1",
    "kind": "CustomResourceDefinition",
    "metadata": {"name": "things.extremes.example"},
    "spec": {
        "group": "extremes.example",
        "names": {"kind": "Thing", "plural": "things"},
        "scope": "Namespaced",
        "versions": [
            {
                "name": "v1",
                "served": True,
                "storage": True,
                "schema": {
                    "openAPIV3Schema": {
                        "type": "object",
                        "properties": {
                            "spec": {
                                "type": "object",
                                "x-kubernetes-preserve-unknown-fields": True,
                            }
                        },
                    }
                },
            }
        ],
    },
}


def thing(name: str, spec: Any) -> dict[str, Any]:
    return {
        "apiVersion": "extremes.example/v1",
        "kind": "Thing",
        "metadata": {"name": name},
        "spec": spec,
    }


def config(name: str, data: dict[str, str]) -> dict[str, Any]:
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}, "data": data}


def nested(levels: int, leaf: Any) -> Any:
    for _ in range(levels):
        leaf = {"a": leaf}
    return leaf


@pytest.fixture(scope="module")
def things(control_plane: ControlPlane) -> str:
    control_plane.kubectl("apply", "-f", "-", stdin=json.dumps(DEFINITION))
    name = "crd/things.extremes.example"
    control_plane.kubectl("wait", "--for=condition=Established", "--timeout=30s", name)
    control_plane.kubectl("get", "things", "-A")
    return "/apis/extremes.example/v1/namespaces"


def check(
    leadsman: Leadsman, folder: Path, namespace: str, *arguments: str
) -> tuple[dict[str, Any], dict[str, dict[str, Any]]]:
    """Return the status, and what is said of each object by its name."""
    where = "--target-namespace", namespace
    done = leadsman.check(str(folder), *where, "-o", "json", *arguments)
    assert done.out, done.everything
    status = json.loads(done.out)[0]["status"]
    return status, {item["name"]: item for item in status.get("objects", ())}


def write(folder: Path, *objects: dict[str, Any]) -> None:
    for number, item in enumerate(objects):
        (folder / f"{number}.yaml").write_text(json.dumps(item))


def test_large_deep_and_strange_objects(
    control_plane: ControlPlane, leadsman: Leadsman, namespace: str, tmp_path: Path, things: str
) -> None:
    large = "".join(f"line {number}: {SURPRISES}\n" for number in range(14_000))[: 700 * 1024 // 2]
    git = (
        config("large", {"file": large, "other": "x" * 300_000}),
        config("strange", {"text": SURPRISES, "empty": "", "nul": "a\0b"}),
        thing("large", {"lines": LINES}),
        thing("deep", {"more": nested(150, 1)}),
        thing("deeper-live", {"size": 1}),
        thing("numbers", {"a": 1.0, "b": 10**18 + 1, "c": -0.0, "d": 1e300, "e": 0.1}),
    )
    write(tmp_path, *git)
    for item in git:
        plural = "configmaps" if item["kind"] == "ConfigMap" else "things"
        root = "/api/v1/namespaces" if item["kind"] == "ConfigMap" else things
        control_plane.api.create(f"{root}/{namespace}/{plural}?fieldManager=helm", item)
    status, found = check(leadsman, tmp_path, namespace)
    assert (status["verdict"], found) == ("InSync", {})

    def patch(kind: str, name: str, body: Any, how: str = "merge-patch+json") -> None:
        root = f"/api/v1/namespaces/{namespace}/configmaps"
        path = root if kind == "ConfigMap" else f"{things}/{namespace}/things"
        control_plane.api.patch(f"{path}/{name}?fieldManager=eve", body, how)

    changed = large.replace("line 7:", "line 8:", 1)
    patch("ConfigMap", "large", {"data": {"file": changed}})
    patch("ConfigMap", "strange", {"data": {"text": SURPRISES.replace("e\u0301", "é")}})
    place = f"/spec/lines/{len(LINES) - 1}"
    patch("Thing", "large", [{"op": "replace", "path": place, "value": "other"}], "json-patch+json")
    patch("Thing", "deep", {"spec": {"more": nested(150, 2)}})
    patch("Thing", "deeper-live", {"spec": {"more": nested(500, SURPRISES)}})
    patch("Thing", "numbers", {"spec": {"b": 10**18 + 2}})
    status, _ = check(leadsman, tmp_path, namespace)
    told = {
        (item["kind"], item["name"]): (item["state"], [c["path"] for c in item.get("changes", ())])
        for item in status["objects"]
    }
    assert told == {
        ("ConfigMap", "large"): ("Modified", ["/data/file"]),
        ("ConfigMap", "strange"): ("Modified", ["/data/text"]),
        ("Thing", "large"): ("Modified", [place]),
        ("Thing", "deep"): ("Modified", ["/spec/more" + "/a" * 150]),
        ("Thing", "deeper-live"): ("Added", ["/spec/more"]),
        ("Thing", "numbers"): ("Modified", ["/spec/b"]),
    }
    managers = {
        change["manager"]
        for item in status["objects"]
        for change in item["changes"]
        if "manager" in change
    }
    assert managers == {"eve"}


def test_an_object_as_deep_as_the_api_server_takes_it(
    control_plane: ControlPlane,
    operator: Operator,
    git: GitServer,
    leadsman: Leadsman,
    namespace: str,
    tmp_path: Path,
    things: str,
) -> None:
    levels = 9_000
    deep = json.dumps(thing("deep", {"size": 1})).replace(
        '"size": 1', '"size": 1, "more": ' + '{"a":' * levels + "1" + "}" * levels
    )
    path = f"{things}/{namespace}/things"
    control_plane.kubectl("create", "--raw", path, "-f", "-", stdin=deep)
    control_plane.api.create(path, thing("other", {"size": 2}))
    manifests = {f"{name}.yaml": json.dumps(thing(name, {"size": 1})) for name in ("deep", "other")}
    told = {"deep": "Added", "other": "Modified"}

    write(tmp_path, *map(json.loads, manifests.values()))
    _, found = check(leadsman, tmp_path, namespace)
    assert {name: item["state"] for name, item in found.items()} == told

    git.create(namespace, manifests)
    drift = Check(operator, control_plane, namespace, "deep")
    drift.create(url=git.url(namespace), interval="1h")
    report = drift.wait(lambda report: len(report.states) == 2, "both are told of")
    assert {name: state for (_, name), state in report.states.items()} == told
    control_plane.api.patch(f"{path}/other", {"spec": {"size": 1}})
    drift.wait(lambda report: len(report.states) == 1, "the other one is in sync")
    assert not [line for line in operator.lines() if "failed and is started again" in line]


THINGS = "/openapi/v3/apis/extremes.example/v1"


def cut(body: bytes) -> bytes:
    return body[: len(body) // 2]


def no_type(body: bytes) -> bytes:
    return body.replace(b'"type":"object"', b'"type":{"object":[7]}')


def no_schemas(_: bytes) -> bytes:
    return b'{"components":{"schemas":[]}}'


def garbage(_: bytes) -> bytes:
    return b"\xff\xfe<html>" * 1000


def endless(_: bytes) -> bytes:
    return b'{"components":{"schemas":' + b'{"a":' * 100_000


@pytest.mark.parametrize("spoil", [cut, garbage, endless, no_schemas, no_type])
def test_a_schema_that_is_spoiled(
    control_plane: ControlPlane,
    leadsman: Leadsman,
    namespace: str,
    tmp_path: Path,
    things: str,
    spoil: Callable[[bytes], bytes],
) -> None:
    git = (thing("one", {"size": 1}), thing("two", {"size": 1}), config("a", {"x": "1"}))
    write(tmp_path, *git)
    for item in git[:2]:
        control_plane.api.create(f"{things}/{namespace}/things?fieldManager=helm", item)
    control_plane.api.create(f"/api/v1/namespaces/{namespace}/configmaps", git[2])
    patch = {"spec": {"size": 2}}
    control_plane.api.patch(f"{things}/{namespace}/things/two?fieldManager=eve", patch)
    path = f"/api/v1/namespaces/{namespace}/configmaps/a?fieldManager=eve"
    control_plane.api.patch(path, {"data": {"x": "2"}})
    with spoiled(control_plane, lambda at, body: spoil(body) if at == THINGS else body) as url:
        kubeconfig = leadsman.context(cluster={"server": url, "certificate-authority": ""})
        status, found = check(leadsman, tmp_path, namespace, "--kubeconfig", kubeconfig)
    assert found["a"]["state"] == "Modified"
    if spoil is no_type:
        # The kind is one of which nothing is known: its objects can be compared.
        assert {name: item["state"] for name, item in found.items()} == {
            "a": "Modified",
            "two": "Modified",
        }
        return
    assert found["one"]["state"] == found["two"]["state"] == "Unverifiable"
    assert found["one"]["reason"] in {"UnexpectedAnswer", "BadSchema"}
    assert status["summary"]["inSync"] == 0


def test_an_index_of_schemas_that_is_spoiled(
    control_plane: ControlPlane, leadsman: Leadsman, namespace: str, tmp_path: Path
) -> None:
    write(tmp_path, config("a", {"x": "1"}))
    control_plane.api.create(f"/api/v1/namespaces/{namespace}/configmaps", config("a", {"x": "1"}))
    with spoiled(control_plane, lambda at, body: b"{" if at == "/openapi/v3" else body) as url:
        kubeconfig = leadsman.context(cluster={"server": url, "certificate-authority": ""})
        status, found = check(leadsman, tmp_path, namespace, "--kubeconfig", kubeconfig)
    assert status["verdict"] == "Unknown"
    assert found["a"]["reason"] == "UnexpectedAnswer"
