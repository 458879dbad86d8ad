"""The objects that the API server is to be asked about: what differs first, each of them once."""

from __future__ import annotations

import asyncio
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, TypeAlias

from leadsman.engine.scheduling.queue import Backoff, WorkQueue
from leadsman.model.identity import ObjectKey, TargetKey

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from leadsman.engine.state import TargetState
    from leadsman.errors import KubeError
    from leadsman.kube.discovery import ApiResource

# Objects asked about at once: what differs, and what only has to be confirmed.
_URGENT, _CALM = 4, 2
# Seconds for which a look at a target waits for the answers about what differs.
_PATIENCE = 10.0
# Seconds until what differs is pending: until then it is said to be as it was before.
_DOUBT = 1.0
# Seconds until an object is asked about again that could not be asked about, at most.
_BACKOFF = Backoff(base=0.5, cap=30.0)

Ident: TypeAlias = tuple[TargetKey, ObjectKey]


@dataclass(slots=True, eq=False)
class Ticket:
    """One object that is to be asked about; a newer one takes its place.

    ``failed``: it could not be asked about, and is not waited for. ``outdated`` counts how often it
    had changed meanwhile, ``passing`` how often the answer was one that may be another next time.
    """

    state: TargetState
    key: ObjectKey
    resource: ApiResource
    urgent: bool
    failed: bool = False
    outdated: int = 0
    passing: int = 0

    @property
    def ident(self) -> Ident:
        """Return what tells the object apart, of whichever target."""
        return self.state.key, self.key


class Tickets:
    """The tickets of all targets, in two queues.

    ``doubted`` is called with one that waits too long for its object to be told as it was before,
    ``turned`` with a target of which everything can be asked about again.
    """

    def __init__(
        self, *, doubted: Callable[[Ticket], None], turned: Callable[[TargetKey], None]
    ) -> None:
        self._doubted = doubted
        self._turned = turned
        self._tickets: dict[Ident, Ticket] = {}
        self._urgent: WorkQueue[Ident] = WorkQueue(backoff=_BACKOFF)
        self._calm: WorkQueue[Ident] = WorkQueue(backoff=_BACKOFF)
        # How many objects of a target are waited for, and why some cannot be asked about.
        self._open: Counter[TargetKey] = Counter()
        self._failures: dict[TargetKey, dict[ObjectKey, KubeError]] = {}
        self._moved = asyncio.Event()

    async def run(self, handle: Callable[[Ident], Awaitable[None]]) -> None:
        """Handle what is due until cancelled."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._urgent.run(handle, _URGENT))
            group.create_task(self._calm.run(handle, _CALM))

    def get(self, ident: Ident) -> Ticket | None:
        """Return the ticket of an object, None if it is not to be asked about."""
        return self._tickets.get(ident)

    def open(self, ticket: Ticket) -> None:
        """Ask about an object now, in place of what was to be asked about it before."""
        ident = ticket.ident
        before = self._tickets.get(ident)
        if before is not None and before.urgent and not before.failed:
            self._done(before)
        self._tickets[ident] = ticket
        if ticket.urgent:
            self._open[ticket.state.key] += 1
            asyncio.get_running_loop().call_later(_DOUBT, self._doubt, ticket)
        wanted, other = (self._urgent, self._calm)[:: 1 if ticket.urgent else -1]
        other.remove(ident)
        wanted.add(ident)

    def close(self, ident: Ident, *, failed: bool = False) -> None:
        """Ask about an object no more; ``failed``: it could not be asked about."""
        ticket = self._tickets.pop(ident, None)
        if ticket is None:
            return
        for queue in (self._urgent, self._calm):
            queue.remove(ident)
        if ticket.urgent and not ticket.failed:
            self._done(ticket)
        self._moved.set()
        failures = self._failures.get(ident[0], {})
        if not failed and failures.pop(ident[1], None) is not None and not failures:
            del self._failures[ident[0]]
            self._turned(ident[0])

    def retry(self, ticket: Ticket, *, cap: float = _BACKOFF.cap) -> float:
        """Ask again, later each time but within ``cap`` seconds; return in how many."""
        queue = self._urgent if ticket.urgent else self._calm
        return queue.retry(ticket.ident, cap=cap)

    def fail(self, ticket: Ticket, error: KubeError) -> None:
        """Note why an object cannot be asked about, and wait for it no longer."""
        self._failures.setdefault(ticket.state.key, {})[ticket.key] = error
        if ticket.urgent and not ticket.failed:
            ticket.failed = True
            self._done(ticket)

    def reopen(self, ticket: Ticket, *, cap: float) -> None:
        """Ask some time again about an object whose ticket is closed, when there is time."""
        again = Ticket(ticket.state, ticket.key, ticket.resource, urgent=False)
        again.passing = ticket.passing + 1
        self._tickets[again.ident] = again
        self._calm.add_after(again.ident, replace(_BACKOFF, cap=cap).delay(ticket.passing, 0.0))

    def forget_tries(self, ident: Ident) -> None:
        """Begin anew with an object's delays."""
        self._urgent.forget_tries(ident)
        self._calm.forget_tries(ident)

    async def settle(self, key: TargetKey) -> None:
        """Wait until what differs of a target was asked about once, or for some seconds."""
        with suppress(TimeoutError):
            async with asyncio.timeout(_PATIENCE):
                while self._open[key]:
                    await self._next()

    async def idle(self) -> None:
        """Wait until nothing is left to be asked."""
        while self._tickets:
            await self._next()

    def failure(self, key: TargetKey) -> KubeError | None:
        """Return why some object of a target cannot be asked about, if so."""
        return next(iter(self._failures.get(key, {}).values()), None)

    def drop(self, key: TargetKey) -> None:
        """Forget a target."""
        for ident in [ident for ident in self._tickets if ident[0] == key]:
            self.close(ident)
        self._failures.pop(key, None)
        self._open.pop(key, None)

    def _doubt(self, ticket: Ticket) -> None:
        if self._tickets.get(ticket.ident) is ticket and ticket.key not in ticket.state.pending:
            self._doubted(ticket)

    def _done(self, ticket: Ticket) -> None:
        self._open[ticket.state.key] -= 1
        self._moved.set()

    async def _next(self) -> None:
        """Wait until an object is done with."""
        self._moved.clear()
        await self._moved.wait()
