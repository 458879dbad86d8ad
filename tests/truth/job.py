"""One batch, delivered in one way to a control plane of its own, judged, changed, judged again."""

from __future__ import annotations

import asyncio
import contextlib
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from controlplane.plane import ControlPlane
from leadsman.kube.client import Client
from leadsman.kube.config import load
from leadsman.kube.discovery import Discovery
from truth import oracle
from truth.changes import Changes
from truth.cluster import Cluster, essence
from truth.delivery import Delivery
from truth.outcome import FALSE_ALARM, MISSED, WRONG_MANAGER, WRONG_PATH, Fault, Outcome
from truth.peers import Peer
from truth.places import GONE, at, tokens_of
from truth.stored import stored
from truth.tellers import MANAGERS, Established, Leadsman, Said

if TYPE_CHECKING:
    from collections.abc import Sequence

    from truth.material import Batch, Manifest
    from truth.oracle import Expectation
    from truth.outcome import Made, Plan
    from truth.tellers import Teller


def run(batch: Batch, plan: Plan) -> Outcome:
    """Do a job in this process."""
    return asyncio.run(_run(batch, plan))


async def _run(batch: Batch, plan: Plan) -> Outcome:
    outcome = Outcome(plan.way)
    with ControlPlane() as plane, contextlib.ExitStack() as stack:
        tellers: list[Teller] = [Leadsman(plane, mode) for mode in plan.modes]
        for name in plan.peers:
            peer = stack.enter_context(Peer(name)).start(plane)
            tellers.append(Established(peer, MANAGERS[plan.way]))
        async with Client(await load(str(plane.kubeconfig))) as client:
            discovery = Discovery(client)
            await discovery.refresh()
            cluster = Cluster(client, discovery)
            delivered = await Delivery(batch, plan.way, plane, cluster, outcome).deliver()
            await _Job(plan, plane, cluster, outcome, tellers).run(delivered)
    return outcome


_BLANK: tuple[Any, ...] = (None, {}, [], 0, "", False)
_HOOKS = frozenset({"argocd.argoproj.io/hook", "helm.sh/hook"})


class _Job:
    def __init__(
        self,
        plan: Plan,
        plane: ControlPlane,
        cluster: Cluster,
        outcome: Outcome,
        tellers: Sequence[Teller],
    ) -> None:
        self._plan = plan
        self._cluster = cluster
        self._outcome = outcome
        self._tellers = tellers
        self._changes = Changes(plan, cluster, plane)
        self._filled: dict[Manifest, dict[str, bool]] = {}

    async def run(self, delivered: Sequence[Manifest]) -> None:
        before = await self._cluster.settle(delivered)
        for one in delivered:
            if one not in before:
                # Some are collected at once; what could not be applied never came.
                self._outcome.left_out["gone"] += 1
                self._outcome.notes.append(f"gone: {one}")
        self._outcome.delivered = len(before)
        for teller in self._tellers:
            await self._judge_untouched(teller, before)
        made = await self._changes.make(before)
        after = await self._cluster.settle(list(before))
        expected = self._expectations(made, before, after)
        for teller in self._tellers:
            await self._judge_changed(teller, expected, before, after)

    async def _judge_untouched(self, teller: Teller, live: dict[Manifest, dict[str, Any]]) -> None:
        told = await teller.tell(list(live))
        moved = await self._moved(live)
        for one in live:
            self._outcome.objects[teller.name, str(one.gvk), self._plan.way] += 1
            said = told.get(one)
            if one in moved or (said is not None and said.undecided):
                self._outcome.undecided[teller.name] += 1
            elif said is not None and said.drift:
                self._fault(teller, FALSE_ALARM, one, str(said), said)

    def _expectations(
        self,
        made: dict[Manifest, list[Made]],
        before: dict[Manifest, dict[str, Any]],
        after: dict[Manifest, dict[str, Any]],
    ) -> dict[Manifest, list[Expectation]]:
        """Say of each change that stood what should be told; of others a controller had its say."""
        expected = {}
        for one, mutations in made.items():
            now = after.get(one)
            if now is None:
                continue
            stood = [
                each
                for each in mutations
                if stored(each.mutation, before[one], now)
                and not stored(each.mutation, each.then, now)
            ]
            expected[one] = [oracle.expect(each, one.gvk.kind, now) for each in stood]
            self._outcome.hands.update(each.hand for each in stood)
            self._outcome.actions.update(
                f"{each.mutation.action} {each.mutation.field_type}" for each in expected[one]
            )
        return expected

    async def _judge_changed(
        self,
        teller: Teller,
        expected: dict[Manifest, list[Expectation]],
        before: dict[Manifest, dict[str, Any]],
        after: dict[Manifest, dict[str, Any]],
    ) -> None:
        told = await teller.tell(list(after))
        moved = await self._moved(after)
        released = oracle.released(before, after)
        for one, expectations in expected.items():
            self._outcome.mutations[teller.name, str(one.gvk), self._plan.way] += len(expectations)
            said = told.get(one, Said(drift=False))
            if one in moved or said.undecided:
                self._outcome.undecided[teller.name] += 1
                continue
            for each in expectations:
                if not await self._is_filled_in(one, each, after[one]):
                    self._compare(teller, one, each, said, after[one])
            finding = said.finding
            if finding is not None:
                tried = self._changes.tried.get(one, [])
                is_released = (one.namespace, one.gvk.kind, one.name) in released
                if wrong := oracle.unfounded(
                    tried, finding, before[one], after[one], is_released=is_released
                ):
                    done = "; ".join(f"{each.mutation} ({each.hand})" for each in tried)
                    self._fault(teller, WRONG_PATH, one, f"unfounded: {wrong} after {done}", said)

    async def _is_filled_in(
        self, one: Manifest, expected: Expectation, live: dict[str, Any]
    ) -> bool:
        """Tell whether the API server puts the same there where nobody does: no change of meaning.

        Asked of what Git leaves open only: there it makes no difference who has written it.
        """
        place = expected.mutation.place
        if not expected.drift or place.desired is not GONE or place.whole >= 0:
            return False
        if one not in self._filled:
            self._filled[one] = {}
        known = self._filled[one]
        if place.pointer not in known:
            without = await self._cluster.without(one, place.pointer)
            value = at(live, place.tokens)
            known[place.pointer] = without is not None and at(without, place.tokens) == value
        return known[place.pointer]

    async def _moved(self, seen: dict[Manifest, dict[str, Any]]) -> set[Manifest]:
        """Return what a controller has written since, so that nobody knows what was judged."""
        now = await self._cluster.get_all(list(seen))
        return {one for one, live in seen.items() if essence(now.get(one)) != essence(live)}

    def _compare(
        self,
        teller: Teller,
        one: Manifest,
        expected: Expectation,
        said: Said,
        live: dict[str, Any],
    ) -> None:
        if not expected.drift:
            return
        what = f"{expected.mutation} by {expected.manager} ({expected.hand})"
        if not said.drift:
            self._fault(teller, MISSED, one, what, said, expected)
        elif said.finding is None:
            if said.paths and not oracle.near(expected.mutation, said.paths):
                self._fault(teller, WRONG_PATH, one, f"{what}: {said}", said, expected)
        elif wrong := oracle.wrong_path(expected, said.finding, live):
            self._fault(teller, WRONG_PATH, one, f"{what}: {wrong}", said, expected)
        elif wrong := oracle.wrong_manager(expected, said.finding, live):
            entries = live["metadata"].get("managedFields")
            self._fault(teller, WRONG_MANAGER, one, f"{what}: {wrong}: {entries}", said, expected)

    def _fault(
        self,
        teller: Teller,
        sort: str,
        one: Manifest,
        what: str,
        said: Said,
        expected: Expectation | None = None,
    ) -> None:
        fault = Fault(
            teller.name, sort, str(one.gvk), self._plan.way, f"{one}: {what}"[:4000], said.paths
        )
        if expected is None:
            told = (at(one.body, tokens_of(path, one.body)) for path in said.paths)
            fault = replace(fault, is_blank=any(value in _BLANK for value in told))
        else:
            place = expected.mutation.place
            fault = replace(
                fault,
                place=place.pointer,
                action=expected.mutation.action,
                hand=expected.hand,
                is_of_git=oracle.is_something(place.desired),
                is_within=place.whole >= 0 and oracle.is_something(place.within),
                is_blank=place.desired in _BLANK,
            )
        annotations = one.body["metadata"].get("annotations") or {}
        self._outcome.faults.append(replace(fault, is_hook=bool(_HOOKS & annotations.keys())))
