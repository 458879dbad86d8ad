"""What Leadsman builds is what Flux applied: by its hash, and because nothing differs."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from e2e.flux.conftest import config
from expansions import MALFORMED, STRICT, VARIABLES
from inputs import real_input

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from e2e.flux.conftest import Delivery

# Building the controller is counted in.
pytestmark = pytest.mark.timeout(1200)


def named(*names: str) -> str:
    return json.dumps({"resources": list(names)})


def files_of(folder: str) -> Mapping[str, bytes]:
    root = real_input("podinfo") / folder
    return {
        path.relative_to(root).as_posix(): path.read_bytes()
        for path in root.rglob("*")
        if path.is_file()
    }


def live(delivery: Delivery, kind: str, name: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(delivery.kubectl("get", kind, name, "-o", "json"))
    return found


def test_variables_become_what_flux_makes_of_them(begin: Callable[..., Delivery]) -> None:
    keys = {f"k{number}": text for number, text in enumerate(STRICT)}
    # In brackets: else a number would be one, and no text.
    files = {
        "kustomization.yaml": named("all.yaml"),
        "all.yaml": config("all", **{key: f"<{text}>" for key, text in keys.items()}),
    }
    delivery = begin(files, postBuild={"substitute": VARIABLES})
    data = live(delivery, "cm", "all")["data"]
    assert data == {key: f"<{STRICT[text]}>" for key, text in keys.items()}
    report = delivery.check.wait_verdict("InSync")
    assert report.status["revision"] == delivery.revision


def test_what_flux_cannot_read_leadsman_does_not_guess(begin: Callable[..., Delivery]) -> None:
    files = {"kustomization.yaml": named("web.yaml"), "web.yaml": config("web", text="fine")}
    delivery = begin(files, postBuild={"substitute": VARIABLES})
    delivery.check.wait_verdict("InSync")
    refused = []
    for text in MALFORMED:
        said = delivery.apply({"web.yaml": config("web", text=f"<{text}>")})
        refused.append((text, said.partition(":")[0]))
    assert refused == [(text, "BuildFailed") for text in MALFORMED]
    report = delivery.check.wait(
        lambda report: report.conditions["Ready"]["reason"] == "BuildFailed", "the failure"
    )
    # What was applied is there as ever.
    assert report.verdict == "InSync"
    assert "post build failed" in report.conditions["Ready"]["message"]


ODD = {
    "apiVersion": "v1",
    "kind": "ConfigMap",
    "metadata": {"name": "odd", "annotations": {"text": "a${number}", "quoted": '"${number}"'}},
    "data": {
        "yes": "yes",
        "number": "012",
        "float": "1e6",
        "time": "2001-01-01",
        "base60": "1:30:00",
        "merge": "<<",
        "colon": "a: b",
        "hash": "a #b",
        "lead": " x",
        "trail": "x ",
        "empty": "",
        "tilde": "~",
        "lines": "a\n b\n\nc\n",
        "nonl": "a\nb",
        "keep": "a\n\n\n",
        "indent": "  a\nb",
        "dashes": "---\na",
        "quote": "'\"",
        "back": "a\\b",
        "bell": "a\u0007b",
        "smile": "\U0001f600",
        "umlaut": "ä ${name}",
        "nbsp": "a\u00a0b",
        "long": "word " * 60,
        "k10": "x",
        "k9": "x",
        "k1": "x",
        "K1": "x",
        "k-1": "x",
        "k.1": "x",
        "k_1": "x",
        "k01": "x",
    },
}
DEPLOYMENT = """\
apiVersion: apps/v1
kind: Deployment
metadata:
  name: web
spec:
  replicas: ${replicas}
  selector: {matchLabels: {app: web}}
  template:
    metadata:
      labels: {app: web}
      annotations: {port: "p${number}"}
    spec:
      containers:
        - name: web
          image: ${image:=nginx}:${tag:-1}
          args: ["--quoted=${number}", '$${left}', "a${empty}b"]
---
apiVersion: v1
kind: ConfigMap
metadata:
  name: left
  annotations: {kustomize.toolkit.fluxcd.io/substitute: disabled}
data: {text: "${name}"}
"""


def test_the_hash_is_that_of_flux_whatever_is_written(begin: Callable[..., Delivery]) -> None:
    files = {
        "kustomization.yaml": named("odd.yaml", "web.yaml"),
        "odd.yaml": json.dumps(ODD, ensure_ascii=False),
        "web.yaml": DEPLOYMENT,
    }
    delivery = begin(files, postBuild={"substitute": {**VARIABLES, "replicas": "2"}})
    assert live(delivery, "deployment", "web")["spec"]["replicas"] == 2
    delivery.check.wait_verdict("InSync")
    # Without variables nothing is written anew.
    assert delivery.apply({"web.yaml": config("web")}, postBuild=None) == ""
    delivery.check.wait(
        lambda report: (
            report.verdict == "InSync" and report.status.get("revision") == delivery.revision
        ),
        "in sync without variables",
    )


FIELDS: dict[str, dict[str, Any]] = {
    "plain": {},
    "namePrefix": {"namePrefix": "pre-", "nameSuffix": "-suf"},
    "patches": {
        "patches": [
            {"patch": "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: podinfo}\n"
                      "spec: {template: {metadata: {annotations: {patched: 'yes'}}}}"},
            {
                "patch": '[{"op": "add", "path": "/metadata/labels", "value": {"patched": "yes"}}]',
                "target": {"kind": "Service", "name": "pod.*"},
            },
        ]
    },
    "images": {
        "images": [
            {"name": "ghcr.io/stefanprodan/podinfo", "newName": "example.com/podinfo"},
        ]
    },
    "commonMetadata": {
        "commonMetadata": {"labels": {"team": "a"}, "annotations": {"note": "b"}},
    },
    "components": {"components": ["../component"], "path": "./app"},
    "missing": {
        "components": ["../component", "../nothing"],
        "ignoreMissingComponents": True,
        "path": "./app",
    },
    "buildMetadata": {"buildMetadata": ["originAnnotations"]},
    "generated": {"path": "./bare"},
    "empty": {"path": "./only-component"},
    "always": {"postBuild": {"substituteStrategy": "Always"}},
}  # fmt: skip
COMPONENT = {
    "apiVersion": "kustomize.config.k8s.io/v1alpha1",
    "kind": "Component",
    "resources": ["extra.yaml"],
}


@pytest.mark.parametrize("field", FIELDS)
def test_each_field_that_renders(begin: Callable[..., Delivery], field: str) -> None:
    base = files_of("kustomize")
    files: dict[str, str | bytes] = {
        **base,
        **{f"app/{name}": content for name, content in base.items()},
        "component/kustomization.yaml": json.dumps(COMPONENT),
        "component/extra.yaml": config("extra", text="${set:-by default}"),
        "bare/a.yaml": config("a"),
        "bare/below/b.yml": config("b"),
        "bare/own/kustomization.yaml": named("c.yaml"),
        "bare/own/c.yaml": config("c"),
        "only-component/kustomization.yaml": json.dumps({"components": ["../component"]}),
    }
    delivery = begin(files, **FIELDS[field])
    report = delivery.check.wait_verdict("InSync")
    assert report.status["summary"]["total"] >= 1


def test_what_git_has_flux_leave_alone(begin: Callable[..., Delivery]) -> None:
    def annotated(name: str, key: str, value: str) -> str:
        body = json.loads(config(name, text="git"))
        body["metadata"]["annotations"] = {f"kustomize.toolkit.fluxcd.io/{key}": value}
        return json.dumps(body)

    files = {
        "kustomization.yaml": named("web.yaml", "ignored.yaml", "disabled.yaml", "once.yaml"),
        "web.yaml": config("web"),
        "ignored.yaml": annotated("ignored", "ssa", "Ignore"),
        "disabled.yaml": annotated("disabled", "reconcile", "disabled"),
        "once.yaml": annotated("once", "ssa", "IfNotPresent"),
    }
    delivery = begin(files)
    report = delivery.check.wait_verdict("InSync")
    assert report.status["summary"]["total"] == 2
    delivery.kubectl("patch", "cm/once", "-p", '{"data":{"text":"live"}}')
    delivery.kubectl("patch", "cm/web", "-p", '{"data":{"more":"live"}}')
    report = delivery.check.wait_verdict("Drifted")
    assert report.states == {("ConfigMap", "web"): "Added"}
    delivery.kubectl("delete", "cm/once")
    delivery.check.wait(
        lambda report: report.states.get(("ConfigMap", "once")) == "Missing", "the deletion"
    )


def test_variables_from_the_cluster(begin: Callable[..., Delivery]) -> None:
    files = {
        "kustomization.yaml": named("web.yaml"),
        "web.yaml": config("web", text="${one:-} ${two:-} ${three:-}"),
    }
    delivery = begin(files)
    plane, source = delivery.check.plane, delivery.check.namespace
    names = [f"{delivery.check.name}-{part}" for part in ("config", "secret")]
    plane.kubectl(
        "create", "configmap", names[0], "--from-literal=one=c1", "--from-literal=two=c2",
        "-n", source,
    )  # fmt: skip
    plane.kubectl(
        "create", "secret", "generic", names[1], "--from-literal=two=s2s2s2", "-n", source
    )
    references = [
        {"kind": "ConfigMap", "name": names[0]},
        {"kind": "Secret", "name": names[1]},
        {"kind": "ConfigMap", "name": "nothing", "optional": True},
    ]
    post_build = {"substituteFrom": references, "substitute": {"three": "own"}}
    assert delivery.apply(postBuild=post_build) == ""
    assert live(delivery, "cm", "web")["data"]["text"] == "c1 s2s2s2 own"
    delivery.check.wait_verdict("InSync")
    # What is not applied yet is no drift, and no longer known to be what Flux applied.
    plane.api.patch(
        f"/api/v1/namespaces/{source}/configmaps/{names[0]}", {"data": {"one": "changed"}}
    )
    report = delivery.check.wait(
        lambda report: report.conditions["Ready"]["reason"] == "NotAsApplied", "the change"
    )
    assert report.verdict == "Unknown"
    assert delivery.again() == ""
    delivery.check.wait_verdict("InSync")
    # What differs in a text that has a secret in it is not shown.
    delivery.kubectl("patch", "cm/web", "-p", '{"data":{"text":"c1 s2s2s2 live"}}')
    report = delivery.check.wait_verdict("Drifted")
    assert "s2s2s2" not in json.dumps(report.body)
