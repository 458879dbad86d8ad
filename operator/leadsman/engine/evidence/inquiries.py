"""When to ask what delivery has sent of an object, and when to ask once more."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from leadsman.engine.evidence.proofs import question
from leadsman.engine.inquiry import Inquiry
from leadsman.errors import KubeError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Coroutine, Mapping
    from collections.abc import Set as AbstractSet

    from leadsman.engine.state import TargetState
    from leadsman.model.finding import Finding
    from leadsman.model.identity import ObjectKey, TargetKey
    from leadsman.model.json import JsonObject

# Seconds after which it is asked again: what delivery did is noted only when it is over.
_AGAIN = (0.5, 1.0, 2.0, 4.0, 8.0, 8.0, 60.0, 300.0)
# So many times while a delivery is under way the object is not judged before.
_PATIENT = 5


class Inquiries:
    """Asks for the objects that wait to be judged: at once, and again where it was too early.

    ``prove`` judges them by what is known; ``failed`` is called with a target of which that could
    not be done.
    """

    def __init__(
        self,
        states: Mapping[TargetKey, TargetState],
        *,
        start: Callable[[Coroutine[None, None, None]], None],
        failed: Callable[[TargetKey], None],
    ) -> None:
        self._states = states
        self.prove: Callable[[TargetState], Awaitable[None]] | None = None
        self._start = start
        self._failed = failed
        # Of whom is being asked.
        self._asking: dict[TargetKey, TargetState] = {}

    def waits(
        self,
        state: TargetState,
        key: ObjectKey,
        finding: Finding | None,
        live: JsonObject,
        untold: AbstractSet[str] = frozenset(),
    ) -> bool:
        """Tell whether what was sent of an object has to be found out before it is judged."""
        inquiry = state.inquiries.get(key)
        asked = question(finding, live, untold)
        if asked is not None and (inquiry is None or inquiry.question != asked):
            if inquiry is None or not inquiry.told:
                state.inquiries[key] = Inquiry(asked, state.evidence(key))
                state.unproven.add(key)
                self.ask(state)
                return True
            inquiry.question = asked
        if inquiry is not None:
            if asked is not None and inquiry.waiting:
                return True
            is_news, inquiry.told, inquiry.waiting = inquiry.told, False, False
            if asked is not None and is_news:
                self.doubt(state, key)
        return False

    def ask(self, state: TargetState) -> None:
        """Ask for what waits, unless the look at the target that goes on will do it.

        To be called when a look has ended, too: it may have failed before it came to that.
        """
        if state.unproven and not state.busy and self._asking.get(state.key) is not state:
            self._asking[state.key] = state
            self._start(self._run(state))

    def hold(self, state: TargetState, key: ObjectKey) -> bool:
        """Have an object wait for the end of its delivery, as long as that is soon."""
        return state.inquiries[key].tries < _PATIENT and self._later(state, key)

    def doubt(self, state: TargetState, key: ObjectKey) -> None:
        """Ask once more for an object that was judged without being explained."""
        inquiry = state.inquiries[key]
        inquiry.tries = max(inquiry.tries, _PATIENT)
        self._later(state, key)

    def _later(self, state: TargetState, key: ObjectKey) -> bool:
        inquiry = state.inquiries[key]
        if inquiry.tries >= len(_AGAIN):
            return False
        delay = _AGAIN[inquiry.tries]
        inquiry.tries += 1
        asyncio.get_running_loop().call_later(delay, self._again, state, key, inquiry)
        return True

    def _again(self, state: TargetState, key: ObjectKey, inquiry: Inquiry) -> None:
        if self._states.get(state.key) is state and state.inquiries.get(key) is inquiry:
            state.unproven.add(key)
            self.ask(state)

    async def _run(self, state: TargetState) -> None:
        try:
            while state.unproven and self.prove and self._states.get(state.key) is state:
                await self.prove(state)
        except KubeError:
            self._failed(state.key)  # what was not judged is pending
        finally:
            if self._asking.get(state.key) is state:
                del self._asking[state.key]
