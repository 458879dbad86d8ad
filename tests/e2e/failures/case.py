"""What a case of failure is, and the steps that break and mend an application."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeAlias

from e2e.failures.app import CONFIG, PLAIN, App, put
from inputs import INPUTS, real_input

if TYPE_CHECKING:
    from collections.abc import Callable

    from controlplane.gitrepo import Files

    Step: TypeAlias = Callable[[App], None]


@dataclass(frozen=True, slots=True)
class Case:
    """One failure: its ``reason``, and what the report and the Event must say of it.

    In ``says`` URL stands for the repository's. ``server`` is one of ``Servers``; ``drifted`` is
    an application that had drifted before. ``rendered``: what fails comes after the render, so
    that the new revision is the one that is reported.
    """

    name: str
    stage: str
    reason: str
    says: tuple[str, ...]
    breaks: Step
    mends: Step
    server: str = "open"
    project: str = "shop"
    files: Files = field(default_factory=lambda: PLAIN)
    spec: dict[str, Any] = field(default_factory=dict)
    drifted: bool = False
    rendered: bool = False

    @property
    def event(self) -> str:
        """The reason of the Event."""
        return {"source": "SourceFailed", "render": "RenderFailed"}.get(self.stage, "CompareFailed")


def commits(files: Files) -> Step:
    return lambda app: void(app.commit(files))


def patches(**spec: Any) -> Step:
    return lambda app: app.check.patch(**spec)


def puts(name: str, **data: str) -> Step:
    return lambda app: put(app.plane, app.namespace, name, data)


def does(*steps: Step) -> Step:
    def do(app: App) -> None:
        for step in steps:
            step(app)

    return do


def serves(**attributes: Any) -> Step:
    """Change how the Git server behaves."""

    def change(app: App) -> None:
        for name, value in attributes.items():
            setattr(app.server, name, value)

    return change


def calls(method: str) -> Step:
    return lambda app: getattr(app.server, method)()


def moves(old: str, new: str) -> Step:
    """Move a repository on the server."""
    return lambda app: void((app.server.root / f"{old}.git").rename(app.server.root / f"{new}.git"))


def void(_value: object) -> None:
    """Drop a value."""


def secret_ref(name: str) -> dict[str, Any]:
    return {"secretRef": {"name": name}}


CHART = "apiVersion: v2\nname: shop\nversion: 1.0.0\n"
HELM: Files = {
    "app/Chart.yaml": CHART,
    "app/templates/config.yaml": CONFIG.replace("green", "{{ .Values.colour }}"),
    "app/values.yaml": "colour: blue\n",
    "app/values-prod.yaml": "colour: green\n",
}
PROD = {"helm": {"valuesFiles": ["values-prod.yaml"]}}
KUSTOMIZE: Files = {**PLAIN, "app/kustomization.yaml": "resources: [config.yaml]\n"}


def definition(group: str, *more: str) -> dict[str, Any]:
    """A CustomResourceDefinition of widgets in a group, in version v1 and maybe more."""
    schema = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"widgets.{group}"},
        "spec": {
            "group": group,
            "scope": "Namespaced",
            "names": {"kind": "Widget", "plural": "widgets", "singular": "widget"},
            "versions": [
                {
                    "name": name,
                    "served": True,
                    "storage": name == "v1",
                    "schema": {"openAPIV3Schema": schema},
                }
                for name in ("v1", *more)
            ],
        },
    }


WIDGETS = definition("failures.example.org")
WIDGET = """\
apiVersion: failures.example.org/v1
kind: Widget
metadata:
  name: wheel
spec:
  size: 3
"""


def kustomizes(text: str) -> Step:
    return commits({"app/kustomization.yaml": text})


def has_kyverno(app: App) -> None:
    chart = real_input("kyverno") / INPUTS["kyverno"].broken["missing-dependencies"]
    app.repository.commit_folder(chart, below="app", branch=app.name)


def define_widgets(app: App) -> None:
    """Bring the CRD and then the object, as its owner would."""
    app.plane.kubectl("apply", "-f", "-", stdin=json.dumps(WIDGETS))
    crd = f"crd/{WIDGETS['metadata']['name']}"
    app.plane.kubectl("wait", "--for=condition=Established", "--timeout=30s", crd)
    app.plane.kubectl("apply", "-n", app.namespace, "-f", "-", stdin=WIDGET)


def is_seen(app: App) -> None:
    """Wait until the DriftCheck has been looked at as it is now."""
    generation = app.check.generation()
    app.check.wait(
        lambda report: report.conditions["Ready"]["observedGeneration"] == generation, "a look"
    )


def restore_branch(app: App) -> None:
    app.repository.update_ref(f"refs/heads/{app.name}", f"refs/kept/{app.name}")


def delete_branch(app: App) -> None:
    app.repository.update_ref(f"refs/kept/{app.name}", app.name)
    app.repository.delete_branch(app.name)
