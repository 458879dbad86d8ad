"""One batch, delivered in one way to a control plane of its own, judged, changed, judged again."""

from __future__ import annotations

import asyncio
import json
import random
import tempfile
from collections import Counter
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from controlplane.plane import ControlPlane
from leadsman.app.parts import make_parts
from leadsman.kube.client import Client
from leadsman.kube.config import load
from leadsman.kube.discovery import Discovery
from leadsman.model.finding import State
from leadsman.model.identity import TargetKey
from leadsman.model.source import LocalSource
from leadsman.model.target import PlainOptions, Target
from leadsman.settings import Settings
from truth.apitypes import root_type
from truth.cluster import Cluster
from truth.mutations import Bank, apart, proposals, stored
from truth.oracle import Expectation, expect, missed, unfounded, wrong_manager, wrong_path
from truth.ways import way

if TYPE_CHECKING:
    from collections.abc import Sequence

    from leadsman.model.finding import Finding
    from leadsman.model.identity import ObjectKey
    from truth.apitypes import Type
    from truth.material import Batch, Manifest
    from truth.mutations import Mutation

MANAGERS = ("kubectl-edit", "kubectl-patch", "k9s", "Mozilla", "shop-operator", "before-first-x")
MODES = ("ReadOnly",)
_TRIES = 12
# What must be there before the rest can be, by kind.
_FIRST = ("Namespace", "CustomResourceDefinition", "PriorityClass", "StorageClass", "IngressClass",
          "RuntimeClass", "ClusterRole", "GatewayClass", "DeviceClass")  # fmt: skip
_SECOND = ("ServiceAccount", "ConfigMap", "Secret", "PersistentVolume", "Role", "Service")


@dataclass(frozen=True, slots=True)
class Made:
    """A change that was made, by whom, and the object right after it."""

    mutation: Mutation
    manager: str
    then: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Fault:
    """Something that was wrongly said or not said; ``who`` is Leadsman's mode or a peer."""

    who: str
    sort: str
    kind: str
    way: str
    what: str


@dataclass(slots=True)
class Outcome:
    """What a job counted, by kind, and what was wrong."""

    way: str
    objects: Counter[str] = field(default_factory=Counter)
    mutations: Counter[str] = field(default_factory=Counter)
    actions: Counter[str] = field(default_factory=Counter)
    left_out: Counter[str] = field(default_factory=Counter)
    judged: Counter[str] = field(default_factory=Counter)
    changes_judged: Counter[str] = field(default_factory=Counter)
    faults: list[Fault] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    failed: str = ""

    @classmethod
    def broken(cls, plan: Plan, why: str) -> Outcome:
        """Return the outcome of a job that could not be done."""
        return cls(plan.way, failed=why)

    def line(self) -> str:
        """Return the sum in one line."""
        if self.failed:
            return self.failed
        return (
            f"{self.objects.total()} objects, {self.mutations.total()} mutations, "
            f"{self.left_out.total()} left out, {len(self.faults)} faults"
        )


@dataclass(frozen=True, slots=True)
class Plan:
    """How a job is done; ``modes`` are Leadsman's."""

    way: str
    seed: int
    per_object: int = 2
    modes: tuple[str, ...] = MODES


def run(batch: Batch, plan: Plan) -> Outcome:
    """Do a job in this process."""
    return asyncio.run(_run(batch, plan))


async def _run(batch: Batch, plan: Plan) -> Outcome:
    outcome = Outcome(plan.way)
    with ControlPlane() as plane:
        async with Client(await load(str(plane.kubeconfig))) as client:
            discovery = Discovery(client)
            await discovery.refresh()
            job = _Job(batch, plan, plane, Cluster(client, discovery), outcome)
            await job.run()
    return outcome


class _Job:
    def __init__(
        self, batch: Batch, plan: Plan, plane: ControlPlane, cluster: Cluster, outcome: Outcome
    ) -> None:
        self._batch = batch
        self._plan = plan
        self._plane = plane
        self._cluster = cluster
        self._outcome = outcome
        self._rng = random.Random(f"{plan.seed}-{batch.name}-{plan.way}")  # noqa: S311 - a seed
        self._bank = Bank()

    async def run(self) -> None:
        delivered = await self._deliver()
        before = await self._cluster.settle(delivered)
        gone = [one for one in delivered if one not in before]
        self._outcome.left_out["gone"] += len(gone)
        self._outcome.objects.update(str(one.gvk) for one in before)
        await self._judge_untouched(before)
        expectations = await self._mutate(before)
        after = await self._cluster.settle(list(before))
        await self._judge_changed(expectations, before, after)

    async def _deliver(self) -> list[Manifest]:
        """Deliver what the API server would take, in an order in which it can be."""
        way_ = None
        try:
            way_ = await asyncio.to_thread(way, self._plan.way, self._plane)
            await self._set_up()
            delivered: list[Manifest] = []
            for phase in _phases(self._batch.manifests):
                good = await self._acceptable(phase)
                failed = await asyncio.to_thread(way_.deliver, good)
                for one, why in failed.items():
                    self._leave_out(one, "undelivered", why)
                delivered += [one for one in good if one not in failed]
                if any(one.gvk.kind == "CustomResourceDefinition" for one in phase):
                    await self._establish([one.body for one in good])
            return delivered
        finally:
            if way_ is not None:
                await asyncio.to_thread(way_.close)

    async def _set_up(self) -> None:
        """Make the namespaces and definitions that nobody delivers."""
        brought = {one.name for one in self._batch.manifests if one.gvk.kind == "Namespace"}
        for name in sorted({one.namespace for one in self._batch.manifests} - {""}):
            if name not in brought:
                body = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}
                await self._cluster.try_apply(
                    body, f"/api/v1/namespaces/{name}", server_side=True, real=True
                )
        for body in self._batch.crds:
            name = body["metadata"]["name"]
            path = f"/apis/apiextensions.k8s.io/v1/customresourcedefinitions/{name}"
            if why := await self._cluster.try_apply(body, path, server_side=True, real=True):
                self._outcome.notes.append(f"{name}: {why}")
        await self._establish(self._batch.crds)

    async def _establish(self, definitions: Sequence[dict[str, Any]]) -> None:
        """Wait until the custom resources of definitions are served and described."""
        wanted = {
            f"{body['spec']['group']}/{version['name']}"
            for body in definitions
            if body["kind"] == "CustomResourceDefinition"
            for version in body["spec"].get("versions") or ()
            if version.get("served")
        }
        deadline = asyncio.get_running_loop().time() + 15
        while wanted and asyncio.get_running_loop().time() < deadline:
            served = await self._cluster.client.get("/openapi/v3")
            if all(f"apis/{one}" in served["paths"] for one in wanted):
                break
            await asyncio.sleep(0.2)
        await self._cluster.discovery.refresh()

    async def _acceptable(self, phase: Sequence[Manifest]) -> list[Manifest]:
        server_side = self._plan.way != "apply"
        good = []
        for one in phase:
            if self._cluster.resource(one.gvk) is None:
                self._leave_out(one, "not served", "")
                continue
            path = self._cluster.path(one)
            if self._plan.way.startswith("helm") and await self._cluster.get(one) is not None:
                self._leave_out(one, "there already", "")
                continue
            why = await self._cluster.try_apply(one.body, path, server_side=server_side)
            if why:
                self._leave_out(one, "refused", why)
            else:
                good.append(one)
        return good

    def _leave_out(self, manifest: Manifest, sort: str, why: str) -> None:
        self._outcome.left_out[sort] += 1
        self._outcome.notes.append(f"{sort}: {manifest}: {why}")

    async def _judge_untouched(self, live: dict[Manifest, dict[str, Any]]) -> None:
        for mode in self._plan.modes:
            found = await self._findings(list(live), mode)
            self._outcome.judged[f"Leadsman {mode}"] += len(live)
            for one in live:
                finding = found.get(one.place)
                if finding is not None and finding.state is not State.IN_SYNC:
                    self._fault(mode, "false alarm", one, _told(finding))

    async def _mutate(self, live: dict[Manifest, dict[str, Any]]) -> dict[Manifest, list[Made]]:
        types: dict[Manifest, Type] = {}
        for one, body in live.items():
            document = await self._cluster.openapi(one.gvk.api_version)
            gvk = one.gvk
            kind = root_type(document, gvk.group, gvk.version, gvk.kind) if document else None
            if kind is not None:
                types[one] = kind
                self._bank.learn(body, kind)
        made: dict[Manifest, list[Made]] = {}
        for one, body in live.items():
            if one in types:
                made[one] = await self._mutate_one(one, body, types[one])
        return made

    async def _mutate_one(self, one: Manifest, live: dict[str, Any], kind: Type) -> list[Made]:
        made: list[Made] = []
        managers = self._rng.sample(MANAGERS, self._plan.per_object)
        ideas = proposals(live, one.body, kind, self._bank, self._rng)
        for _, mutation in zip(range(_TRIES * self._plan.per_object), ideas, strict=False):
            if not all(apart(mutation, other.mutation) for other in made):
                continue
            manager = managers[len(made)]
            refused = await self._cluster.patch(one, [mutation.operation], manager)
            if refused:
                continue
            now = await self._cluster.get(one)
            if now is not None and stored(mutation, live, now):
                made.append(Made(mutation, manager, now))
            if len(made) == self._plan.per_object:
                break
        return made

    async def _judge_changed(
        self,
        made: dict[Manifest, list[Made]],
        before: dict[Manifest, dict[str, Any]],
        after: dict[Manifest, dict[str, Any]],
    ) -> None:
        expected: dict[Manifest, list[Expectation]] = {}
        for one, mutations in made.items():
            if one not in after:
                continue
            kept = [
                expect(each.mutation, each.manager, one.gvk.kind, after[one])
                for each in mutations
                if stored(each.mutation, before[one], after[one])
                and not stored(each.mutation, each.then, after[one])  # a controller has had its say
            ]
            expected[one] = kept
            self._outcome.mutations[str(one.gvk)] += len(kept)
            self._outcome.actions.update(
                f"{each.mutation.action} {each.mutation.field_type}" for each in kept
            )
        for mode in self._plan.modes:
            found = await self._findings(list(after), mode)
            self._outcome.changes_judged[f"Leadsman {mode}"] += sum(map(len, expected.values()))
            for one, expectations in expected.items():
                self._compare(mode, one, expectations, found.get(one.place), before, after)

    def _compare(
        self,
        mode: str,
        one: Manifest,
        expectations: list[Expectation],
        finding: Finding | None,
        before: dict[Manifest, dict[str, Any]],
        after: dict[Manifest, dict[str, Any]],
    ) -> None:
        was, now = before[one], after[one]
        for each in expectations:
            if missed(each, finding):
                self._fault(mode, "missed", one, f"{each.mutation} by {each.manager}")
            elif finding is not None:
                if wrong := wrong_path(each, finding, now):
                    self._fault(mode, "wrong path", one, f"{each.mutation}: {wrong}")
                elif wrong := wrong_manager(each, finding, now):
                    entries = now["metadata"].get("managedFields")
                    self._fault(mode, "wrong manager", one, f"{each.mutation}: {wrong}: {entries}")
        if finding is not None and (wrong := unfounded(expectations, finding, was, now)):
            told = "; ".join(str(each.mutation) for each in expectations)
            entries = now["metadata"].get("managedFields")
            self._fault(mode, "wrong path", one, f"unfounded: {wrong} after {told}: {entries}")

    def _fault(self, who: str, sort: str, one: Manifest, what: str) -> None:
        self._outcome.faults.append(
            Fault(f"Leadsman {who}", sort, str(one.gvk), self._plan.way, f"{one}: {what}"[:4000])
        )

    async def _findings(
        self, manifests: Sequence[Manifest], mode: str
    ) -> dict[tuple[str, str, str, str], Finding]:
        """Have Leadsman check all, as its command line does, and return what is not in sync."""
        with tempfile.TemporaryDirectory(prefix="leadsman-truth-") as name:
            folder = Path(name)
            for number, one in enumerate(manifests):
                (folder / f"{number:05}.json").write_text(json.dumps(one.body))
            key = TargetKey("Path", "default", "truth")
            target = Target(key, LocalSource(folder), render=PlainOptions())
            settings = replace(
                Settings(kubeconfig=str(self._plane.kubeconfig)), cache=folder / "cache"
            )
            async with make_parts(settings) as parts:
                await parts.discovery.refresh()
                (status,) = await parts.engine.check_once([target], {})
        if status.failure is not None:
            raise RuntimeError(f"{status.failure.reason}: {status.failure.message}")
        return {_place(finding.key): finding for finding in status.findings}


def _place(key: ObjectKey) -> tuple[str, str, str, str]:
    return key.group, key.kind, key.namespace, key.name


def _told(finding: Finding) -> str:
    changes = "; ".join(
        f"{change.op} {change.path}: {change.desired!r} -> {change.live!r}"
        f" ({change.cause}, {change.manager} {change.operation})"
        for change in finding.changes
    )
    return f"{finding.state} {finding.reason} {finding.message} {changes}"


def _phases(manifests: Sequence[Manifest]) -> list[list[Manifest]]:
    phases: list[list[Manifest]] = [[], [], []]
    for one in manifests:
        rank = 0 if one.gvk.kind in _FIRST else 1 if one.gvk.kind in _SECOND else 2
        phases[rank].append(one)
    return [phase for phase in phases if phase]
