"""What becomes of the targets when the API server serves other kinds, or describes them anew."""

from __future__ import annotations

from typing import TYPE_CHECKING

from leadsman.engine.inputs import may_be_chart

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from leadsman.compare.kinds.schema import Schema
    from leadsman.engine.judging.following import Following
    from leadsman.engine.state import TargetState
    from leadsman.kube.discovery import Discovery
    from leadsman.live.schemas import Schemas
    from leadsman.model.identity import Gvk, TargetKey


class Surface:
    """Follows the kinds that the API server serves, and how it describes them.

    ``read`` are the schemas that objects are compared by: what has changed is taken out, to be read
    anew. ``due`` is called with a target that has to be looked at.
    """

    def __init__(
        self,
        states: Mapping[TargetKey, TargetState],
        discovery: Discovery,
        schemas: Schemas,
        following: Following,
        *,
        read: dict[Gvk, Schema | None],
        due: Callable[[TargetKey], None],
    ) -> None:
        self._states = states
        self._discovery = discovery
        self._schemas = schemas
        self._following = following
        self._read = read
        self._due = due

    async def changed(self) -> None:
        """Find out what has changed, and which targets it concerns.

        Raises:
            KubeError: the API server could not be asked; call again.

        """
        known = {gvk for state in self._states.values() for gvk in _gvks(state)}
        before = {gvk: self._discovery.resource(gvk) for gvk in known}
        moved = await self._discovery.refresh()
        turned = {gvk for gvk, known in before.items() if self._discovery.resource(gvk) != known}
        # Of a custom resource the other versions' schemas count, too.
        changed = {each.rpartition("/")[0] for each in await self._schemas.refresh()}
        for gvk in [gvk for gvk in self._read if gvk.group in changed]:
            del self._read[gvk]
        if self._following.watches is not None:
            self._following.watches.retry()
        for state in self._states.values():
            gvks = set(_gvks(state))
            # A definition may say anew how one version becomes another.
            state.pending |= state.moved
            if state.unserved:
                state.stale.ask()
            if not turned.isdisjoint(gvks) or not changed.isdisjoint(gvk.group for gvk in gvks):
                state.rejudge.ask()
            asks = moved and state.target is not None and may_be_chart(state.target)
            if state.stale or state.rejudge or state.moved or asks:
                self._due(state.key)


def _gvks(state: TargetState) -> Iterator[Gvk]:
    """Yield the kinds and versions that the target renders, and those that are read for them."""
    for desired in state.desired.values():
        yield desired.gvk
        yield desired.written
