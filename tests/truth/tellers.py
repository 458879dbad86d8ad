"""Who is asked what has drifted: Leadsman in both modes, and the established tools."""

from __future__ import annotations

import asyncio
import json
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from leadsman.app.parts import make_parts
from leadsman.model.finding import State
from leadsman.model.identity import ObjectKey, TargetKey
from leadsman.model.source import LocalSource
from leadsman.model.target import PlainOptions, Target
from leadsman.settings import Mode, Settings
from truth.outcome import LEADSMAN

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Protocol

    from controlplane.plane import ControlPlane
    from leadsman.model.finding import Finding
    from truth.material import Manifest
    from truth.peers import Peer

    class Teller(Protocol):
        """Somebody who says of objects whether they drifted."""

        name: str

        async def tell(self, manifests: Sequence[Manifest]) -> Mapping[Manifest, Said]:
            """Say of each object how it stands; who is not named is in sync."""


# The manager in whose name each way writes.
MANAGERS = {
    "apply": "kubectl-client-side-apply",
    "server-side": "kubectl",
    "helm": "helm",
    "helm-client": "helm",
    "flux": "kustomize-controller",
}


@dataclass(frozen=True, slots=True)
class Said:
    """What a teller says of one object.

    ``finding`` is Leadsman's, of which more is asked. ``undecided`` is why there is no answer.
    """

    drift: bool
    paths: tuple[str, ...] = ()
    finding: Finding | None = None
    undecided: str = ""

    def __str__(self) -> str:
        if self.finding is None:
            return f"drift at {', '.join(self.paths) or 'unknown places'}"
        changes = "; ".join(
            f"{change.op} {change.path}: {change.desired!r} -> {change.live!r}"
            f" ({change.cause}, {change.manager} {change.operation})"
            for change in self.finding.changes
        )
        return f"{self.finding.state} {self.finding.reason} {self.finding.message} {changes}"


class Leadsman:
    """Leadsman, asked as its command line is."""

    def __init__(self, plane: ControlPlane, mode: str) -> None:
        self.name = f"{LEADSMAN} {mode}"
        self._kubeconfig = str(plane.kubeconfig)
        self._mode = Mode(mode)

    async def tell(self, manifests: Sequence[Manifest]) -> Mapping[Manifest, Said]:
        """Check a folder that holds all of them."""
        if not manifests:
            return {}
        with tempfile.TemporaryDirectory(prefix="leadsman-truth-") as name:
            folder = Path(name)
            for number, one in enumerate(manifests):
                (folder / f"{number:05}.json").write_text(json.dumps(one.body))
            target = Target(
                TargetKey("Path", "default", "truth"), LocalSource(folder), render=PlainOptions()
            )
            settings = Settings(
                kubeconfig=self._kubeconfig, cache=folder / "cache", mode=self._mode
            )
            async with make_parts(settings) as parts:
                await parts.discovery.refresh()
                (status,) = await parts.engine.check_once([target], {})
        if status.failure is not None:
            raise RuntimeError(f"{status.failure.reason}: {status.failure.message}")
        found = {finding.key: finding for finding in status.findings}
        keys = {one: ObjectKey.of(*one.place) for one in manifests}
        return {one: _said(found[key]) for one, key in keys.items() if key in found}


def _said(finding: Finding) -> Said:
    paths = tuple(change.path for change in finding.changes)
    if finding.state in {State.UNVERIFIABLE, State.REJECTED}:
        # Never in sync: it has to be explained as a drift would have to be.
        return Said(drift=True, paths=paths, finding=finding)
    return Said(finding.state is not State.IN_SYNC, paths, finding)


class Established:
    """One of the peers, asked in the name of the manager that delivered."""

    def __init__(self, peer: Peer, manager: str) -> None:
        self.name = peer.name
        self._peer = peer
        self._manager = manager

    async def tell(self, manifests: Sequence[Manifest]) -> Mapping[Manifest, Said]:
        """Ask about each object."""
        cases = [(one.body, self._manager) for one in manifests]
        answers = await asyncio.to_thread(self._peer.ask_all, cases)
        return {
            one: Said(answer.drift, answer.paths, undecided=answer.error)
            for one, answer in zip(manifests, answers, strict=True)
        }
