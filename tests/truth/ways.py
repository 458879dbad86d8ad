"""The four ways in which manifests come into a cluster."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from harness.flux import FluxError, KustomizeController
from truth.material import yaml_text

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from controlplane.plane import ControlPlane
    from truth.material import Manifest

WAYS = ("apply", "server-side", "helm", "flux")
MARK = "truth.example.com/first"
# Raw bytes of the objects of one release: its Secret may have a megabyte, packed.
_RELEASE_BYTES = 2_000_000
# Takes objects as they are, whatever looks like a template in them.
_TEMPLATE = (
    '{{ range $path, $_ := .Files.Glob "objects/*.json" }}---\n{{ $.Files.Get $path }}\n{{ end }}'
)


class Way(Protocol):
    """One way to deliver."""

    def deliver(self, manifests: Sequence[Manifest]) -> dict[Manifest, str]:
        """Deliver all that can be, and return of the rest why it could not."""

    def close(self) -> None:
        """End what runs."""


class Kubectl:
    """``kubectl apply``, with or without ``--server-side``."""

    def __init__(self, plane: ControlPlane, *flags: str) -> None:
        self._plane = plane
        self._flags = flags

    def deliver(self, manifests: Sequence[Manifest]) -> dict[Manifest, str]:
        done = self._plane.kubectl(
            "apply", *self._flags, "-f", "-", stdin=_stream(manifests), check=False
        )
        # What it could not apply is not there, and is noticed by that.
        return {} if done.stdout else dict.fromkeys(manifests, done.stderr.strip()[-300:])

    def close(self) -> None:
        """Nothing runs."""


class Helm:
    """``helm install`` of a former version, then ``helm upgrade`` to what is wanted."""

    def __init__(self, plane: ControlPlane, *flags: str) -> None:
        self._plane = plane
        self._flags = flags
        self._count = 0

    def deliver(self, manifests: Sequence[Manifest]) -> dict[Manifest, str]:
        failed: dict[Manifest, str] = {}
        for part in _parts(manifests):
            failed |= halved(part, self._release)
        return failed

    def close(self) -> None:
        """Nothing runs."""

    def _release(self, manifests: Sequence[Manifest]) -> str:
        self._count += 1
        name = f"truth-{self._count}"
        with tempfile.TemporaryDirectory(prefix="leadsman-truth-") as folder:
            chart = Path(folder)
            for version in (1, 2):
                _write_chart(chart, manifests, former=version == 1)
                action = "install" if version == 1 else "upgrade"
                done = self._plane.helm(action, name, chart, *self._flags, check=False)
                if done.returncode:
                    self._plane.helm("uninstall", name, "--no-hooks", check=False)
                    return done.stderr.strip()[-300:]
        return ""


class Flux:
    """Flux's real kustomize-controller."""

    def __init__(self, plane: ControlPlane) -> None:
        self._controller = KustomizeController(plane)
        self._controller.__enter__()
        self._count = 0

    def deliver(self, manifests: Sequence[Manifest]) -> dict[Manifest, str]:
        return halved(manifests, self._set)

    def close(self) -> None:
        self._controller.__exit__(None, None, None)

    def _set(self, manifests: Sequence[Manifest]) -> str:
        self._count += 1
        name = f"truth-{self._count}"
        try:
            self._controller.deliver(name, _stream(manifests), attempts=1)
        except FluxError as error:
            return str(error)[-400:]
        return ""


def way(name: str, plane: ControlPlane) -> Way:
    """Return one of the ways by its name."""
    match name:
        case "apply":
            return Kubectl(plane, "--validate=false")
        case "server-side":
            return Kubectl(plane, "--server-side", "--validate=false")
        case "helm":
            return Helm(plane)
        case "helm-client":
            return Helm(plane, "--server-side=false")
        case _:
            return Flux(plane)


def halved(
    manifests: Sequence[Manifest], deliver: Callable[[Sequence[Manifest]], str]
) -> dict[Manifest, str]:
    """Deliver a set of which one bad object spoils all: halve it until what is bad is alone."""
    todo, failed = [list(manifests)], {}
    while todo:
        part = todo.pop(0)
        problem = deliver(part) if part else ""
        if problem and len(part) == 1:
            failed[part[0]] = problem
        elif problem:
            middle = len(part) // 2
            todo += [part[:middle], part[middle:]]
    return failed


def _stream(manifests: Sequence[Manifest]) -> str:
    return "\n".join(f"---\n{yaml_text(one.body)}" for one in manifests) + "\n"


def _parts(manifests: Sequence[Manifest]) -> list[list[Manifest]]:
    parts: list[list[Manifest]] = [[]]
    size = 0
    for one in manifests:
        weight = len(json.dumps(one.body))
        if size + weight > _RELEASE_BYTES and parts[-1]:
            parts.append([])
            size = 0
        parts[-1].append(one)
        size += weight
    return [part for part in parts if part]


def _write_chart(chart: Path, manifests: Sequence[Manifest], *, former: bool) -> None:
    """Write a chart of objects as they are; the former version has one more annotation on each."""
    (chart / "templates").mkdir(exist_ok=True)
    (chart / "objects").mkdir(exist_ok=True)
    head = {"apiVersion": "v2", "name": "truth", "version": "1.0.0" if former else "1.0.1"}
    (chart / "Chart.yaml").write_text(json.dumps(head))
    (chart / "templates" / "all.yaml").write_text(_TEMPLATE)
    for number, one in enumerate(manifests):
        body = _marked(one.body) if former else one.body
        (chart / "objects" / f"{number:04}.json").write_text(yaml_text(body))


def _marked(body: dict[str, Any]) -> dict[str, Any]:
    metadata = body["metadata"]
    annotations = {**(metadata.get("annotations") or {}), MARK: "yes"}
    return {**body, "metadata": {**metadata, "annotations": annotations}}
