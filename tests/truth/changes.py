"""Change what lives: by others, through the API, and by who delivered, from another file."""

from __future__ import annotations

import asyncio
import random
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from truth.apitypes import root_type
from truth.hands import ANOTHER_FILE, changed, choose, write
from truth.mutations import apart, proposals
from truth.outcome import Made
from truth.places import at
from truth.stored import stored
from truth.tellers import MANAGERS
from truth.values import Bank
from truth.ways import way

if TYPE_CHECKING:
    from controlplane.plane import ControlPlane
    from truth.apitypes import Type
    from truth.cluster import Cluster
    from truth.material import Manifest
    from truth.mutations import Mutation
    from truth.outcome import Plan

# Who changes: people's tools, and what nobody knows.
FOREIGN = ("kubectl-edit", "kubectl-patch", "k9s", "Mozilla", "shop-operator", "terraform")
# The ways by which anybody may deliver another file in the same name, and how many objects get one.
_BY_FILE = frozenset({"apply", "server-side"})
_SHARE = 0.2
_TRIES = 12


class Changes:
    """Makes changes to each object of a batch; ``tried`` is all that the API server took."""

    def __init__(self, plan: Plan, cluster: Cluster, plane: ControlPlane) -> None:
        self._plan = plan
        self._cluster = cluster
        self._plane = plane
        self._bank = Bank()
        self.tried: dict[Manifest, list[Made]] = {}

    async def make(self, live: dict[Manifest, dict[str, Any]]) -> dict[Manifest, list[Made]]:
        """Change the objects; return what changed their meaning."""
        types = await self._learn(live)
        known = [one for one in live if one in types]
        by_file = {one for one in known if self._is_by_file(one)}
        others = [one for one in known if one not in by_file]
        made = await asyncio.gather(
            *(self._by_others(one, live[one], types[one]) for one in others)
        )
        again = {
            one: mutation
            for one in known
            if one in by_file
            and (mutation := await self._of_a_file(one, live[one], types[one])) is not None
        }
        return dict(zip(others, made, strict=True)) | await self._by_file(again, live)

    async def _learn(self, live: dict[Manifest, dict[str, Any]]) -> dict[Manifest, Type]:
        types: dict[Manifest, Type] = {}
        for one, body in live.items():
            document = await self._cluster.openapi(one.gvk.api_version)
            gvk = one.gvk
            kind = root_type(document, gvk.group, gvk.version, gvk.kind) if document else None
            if kind is not None:
                types[one] = kind
                self._bank.learn(body, kind)
        return types

    def _random(self, one: Manifest, what: str = "") -> random.Random:
        # Each object's own, so that the others' answers change nothing.
        return random.Random(f"{self._plan.seed}-{self._plan.way}-{one}{what}")  # noqa: S311

    def _is_by_file(self, one: Manifest) -> bool:
        return self._plan.way in _BY_FILE and self._random(one, "-by").random() < _SHARE

    async def _by_others(self, one: Manifest, live: dict[str, Any], kind: Type) -> list[Made]:
        made: list[Made] = []
        rng = self._random(one)
        managers = rng.sample(FOREIGN, self._plan.per_object)
        ideas = proposals(live, one.body, kind, self._bank, rng)
        for _, mutation in zip(range(_TRIES * self._plan.per_object), ideas, strict=False):
            if not all(apart(mutation, other.mutation) for other in made):
                continue
            manager = managers[len(made)]
            hand = choose(mutation, kind, rng)
            now = await write(hand, mutation, manager, self._cluster, one, kind)
            if now is None:
                continue
            # What is taken and not stored still makes its author an owner.
            done = Made(mutation, manager, now, hand)
            self.tried.setdefault(one, []).append(done)
            if stored(mutation, live, now):
                made.append(done)
            if len(made) == self._plan.per_object:
                break
        return made

    async def _of_a_file(self, one: Manifest, live: dict[str, Any], kind: Type) -> Mutation | None:
        """Return a change that can be made to Git's object as well, and would be taken."""
        rng = self._random(one)
        ideas = proposals(live, one.body, kind, self._bank, rng)
        for _, mutation in zip(range(_TRIES * 2), ideas, strict=False):
            if mutation.is_renaming or not _is_alike(one.body, live, mutation):
                continue
            try:
                body = changed(one.body, mutation.operation)
            except LookupError:
                continue
            path = self._cluster.path(one)
            if not await self._cluster.try_apply(body, path, server_side=True):
                return mutation
        return None

    async def _by_file(
        self, again: dict[Manifest, Mutation], live: dict[Manifest, dict[str, Any]]
    ) -> dict[Manifest, list[Made]]:
        """Deliver other files in the way and the name of the first."""
        if not again:
            return {}
        files = [
            replace(one, body=changed(one.body, mutation.operation))
            for one, mutation in again.items()
        ]
        chosen = await asyncio.to_thread(way, self._plan.way, self._plane)
        await asyncio.to_thread(chosen.deliver, files)
        await asyncio.to_thread(chosen.close)
        after = await self._cluster.get_all(list(again))
        made: dict[Manifest, list[Made]] = {}
        for one, now in after.items():
            done = Made(again[one], MANAGERS[self._plan.way], now, ANOTHER_FILE)
            self.tried.setdefault(one, []).append(done)
            if stored(done.mutation, live[one], now):
                made[one] = [done]
        return made


def _is_alike(body: dict[str, Any], live: dict[str, Any], mutation: Mutation) -> bool:
    """Tell whether a place, or what something is added to, is in Git's file as it is in live."""
    tokens = mutation.tokens[:-1] if mutation.action == "add" else mutation.tokens
    wanted, found = at(body, tokens), at(live, tokens)
    if isinstance(found, dict) and mutation.action == "add":
        return isinstance(wanted, dict)
    return bool(wanted == found)
