"""The targets of one process: their states, and what was reported of them before a restart."""

from __future__ import annotations

from typing import TYPE_CHECKING

from leadsman.engine.state import TargetState
from leadsman.targets.requests import check_requested

if TYPE_CHECKING:
    from collections.abc import Iterable

    from leadsman.errors import LeadsmanError
    from leadsman.model.identity import TargetKey
    from leadsman.model.json import JsonObject
    from leadsman.model.status import TargetStatus
    from leadsman.model.target import Target


class Targets:
    """Keeps a state for each target; ``settled``: each has been looked at once."""

    def __init__(self) -> None:
        self.states: dict[TargetKey, TargetState] = {}
        self._unsettled: set[TargetKey] = set()
        self._restored: dict[TargetKey, TargetStatus] = {}

    @property
    def settled(self) -> bool:
        """Whether every target has been looked at once."""
        return not self._unsettled

    def restore(self, statuses: Iterable[TargetStatus]) -> None:
        """Take over what was reported before; call it before the first target."""
        self._restored = {status.key: status for status in statuses}

    def add(self, key: TargetKey, uid: str) -> TargetState:
        """Begin with a target; it has its report if that is not of another one of the same name."""
        state = self.states[key] = TargetState(key, uid=uid)
        self._unsettled.add(key)
        restored = self._restored.pop(key, None)
        if restored is not None and (not uid or restored.uid in {"", uid}):
            state.restore(restored)
        return state

    def looked(self, key: TargetKey) -> None:
        """Note that a target was looked at."""
        self._unsettled.discard(key)

    def remove(self, key: TargetKey) -> TargetState:
        """Forget a target, and return how it was."""
        self._unsettled.discard(key)
        return self.states.pop(key)


def update(
    state: TargetState,
    target: Target | None,
    *,
    metadata: JsonObject,
    error: LeadsmanError | None,
    now: float,
) -> bool:
    """Take a target's spec as it is now, or why it cannot be carried out; tell if that is news."""
    requested = check_requested(metadata)
    is_known = state.target == target and state.spec_error is None and error is None
    if is_known and state.requested == requested:
        return False
    state.requested = requested
    state.generation = int(metadata.get("generation", 0))
    if error is None:
        # With an error the former spec stays: live is still compared with what it rendered.
        state.target = target
    state.spec_error = error
    if target is not None:
        state.note_suspension(now)
    return True
