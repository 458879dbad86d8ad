"""Ask the API server about objects, few at once, and no object twice while nothing has changed.

What differs by the local comparison comes first, and stays what it was until there is an answer;
what is in sync is said to be at once, and confirmed when there is time.
"""

from __future__ import annotations

import asyncio
import logging
import time
from hashlib import blake2b
from typing import TYPE_CHECKING

import orjson

from leadsman.compare.judge import judge
from leadsman.compare.verdict import unverifiable
from leadsman.engine.dryrun.confirm import OUTDATED, Confirmed, confirm, is_askable
from leadsman.engine.dryrun.tickets import Ticket, Tickets
from leadsman.engine.evidence.scalers import Scalers
from leadsman.errors import CompareError, KubeError
from leadsman.kube.objects import stable_content
from leadsman.kube.yamljson import plain
from leadsman.live.fetch import fetch_many
from leadsman.model.finding import Finding, State
from leadsman.model.status import Failure

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from leadsman.compare.kinds.schema import Schema
    from leadsman.engine.dryrun.tickets import Ident
    from leadsman.engine.state import TargetState
    from leadsman.kube.client import Client
    from leadsman.kube.discovery import ApiResource, Discovery
    from leadsman.model.desired import DesiredObject
    from leadsman.model.identity import Gvk, ObjectKey, TargetKey
    from leadsman.model.json import JsonObject

log = logging.getLogger(__name__)

# Tries with an object that changes while it is asked about, until that is told.
_OUTDATED = 5
# Seconds until an object is asked about again whose admission may work another time, at most.
_PASSES_WITHIN = 300.0
# Seconds for which who may not ask about a kind does not try again.
_REFUSED_FOR = 300.0
# Outcomes that leave it to the local comparison, which has evidence of its own.
_LOCAL = frozenset({"refused", "unasked"})
# RBAC lets nobody grant what he has not: that roles are compared locally goes without saying, as
# it does of Secrets, which the roles that are installed leave out.
_SILENT = frozenset({("rbac.authorization.k8s.io", ""), ("", "Secret")})


class Confirmer:
    """Asks about objects of all targets.

    ``recorded`` is called with what came of it, as ``Observer`` records a verdict, ``locally`` with
    an object, its kind and its version where that is for the local comparison to say; ``news`` with
    a target of which an object is not known any more; ``turned`` with one about which the API
    server can be asked again; ``counted`` with each outcome.
    """

    def __init__(  # noqa: PLR0913 - the parts, all by name
        self,
        client: Client,
        discovery: Discovery,
        schemas: Mapping[Gvk, Schema | None],
        *,
        recorded: Callable[[TargetState, ObjectKey, Finding | None, float], None],
        locally: Callable[[TargetState, ObjectKey, Gvk, str, JsonObject], None],
        news: Callable[[TargetState, float], None],
        turned: Callable[[TargetKey], None],
        counted: Callable[[str], None],
        now: Callable[[], float],
    ) -> None:
        self._client = client
        self._scalers = Scalers(client, discovery)
        self._discovery = discovery
        self._schemas = schemas
        self._recorded = recorded
        self._locally = locally
        self._news = news
        self._counted = counted
        self._now = now
        self._tickets = Tickets(doubted=self._doubt, turned=turned)
        self._refused: dict[tuple[ApiResource, str], float] = {}
        # Nothing is asked while it is not set.
        self._allowed = asyncio.Event()
        # Whether what cannot be asked about is given up, as by who looks only once.
        self.once = False

    async def run(self) -> None:
        """Ask until cancelled."""
        await self._tickets.run(self._handle)

    def release(self) -> None:
        """Let it ask, which it may not before."""
        self._allowed.set()

    def hold(self) -> None:
        """Let it ask nothing more for now."""
        self._allowed.clear()

    def takes(
        self,
        state: TargetState,
        desired: DesiredObject,
        live: JsonObject | None,
        local: Finding | None,
    ) -> bool:
        """Take an object that was just compared; tell whether its verdict is left to the answer.

        If not, the local verdict is to be recorded.
        """
        key = desired.key
        ident = state.key, key
        resource = self._discovery.resource(desired.gvk)
        is_open = local is None or local.state is not State.UNVERIFIABLE
        if resource is None or not is_open or not self._may_ask(desired.gvk, resource, key):
            self._tickets.close(ident)
            return False
        if state.policy is not None and state.confirmed.get(key) == _digest(
            desired, live, state.policy.digest
        ):
            state.pending.discard(key)
            return True
        state.confirmed.pop(key, None)
        # What was not in sync stays so until it is known to be: it may be by the answer alone.
        urgent = key in state.findings or not (local is None or local.state is State.IN_SYNC)
        self._tickets.open(Ticket(state, key, resource, urgent))
        return urgent

    def again(self, states: Iterable[TargetState]) -> None:
        """Ask about all objects anew, when there is time: admission is other than before."""
        self._refused.clear()
        for state in states:
            for key in state.confirmed.keys() & state.desired.keys():
                resource = self._discovery.resource(state.desired[key].gvk)
                if resource is not None and self._tickets.get((state.key, key)) is None:
                    self._tickets.open(Ticket(state, key, resource, urgent=False))

    def stands(self, state: TargetState, key: ObjectKey) -> bool:
        """Tell whether an object is confirmed to be in sync, and is not to be asked about again."""
        return state.is_confirmed_in_sync(key) and self._tickets.get((state.key, key)) is None

    def _doubt(self, ticket: Ticket) -> None:
        """Say no longer of an object what was known before it changed."""
        ticket.state.pending.add(ticket.key)
        self._news(ticket.state, self._now())

    async def settle(self, key: TargetKey) -> None:
        """Wait until what differs of a target was asked about once, or for some seconds."""
        await self._tickets.settle(key)

    async def idle(self) -> None:
        """Wait until nothing is left to be asked."""
        await self._tickets.idle()

    def failure(self, key: TargetKey) -> KubeError | None:
        """Return why some object of a target cannot be asked about, if so."""
        return self._tickets.failure(key)

    def drop(self, key: TargetKey) -> None:
        """Forget a target."""
        self._tickets.drop(key)

    def _may_ask(self, gvk: Gvk, resource: ApiResource, key: ObjectKey) -> bool:
        refused = self._refused.get((resource, key.namespace), float("-inf"))
        return is_askable(gvk, resource) and time.monotonic() - refused > _REFUSED_FOR

    async def _handle(self, ident: Ident) -> None:
        await self._allowed.wait()
        ticket = self._tickets.get(ident)
        if ticket is None:
            return
        state, key = ticket.state, ticket.key
        desired, policy = state.desired.get(key), state.policy
        if desired is None or policy is None:
            self._tickets.close(ident)
            return
        live: JsonObject | None = None
        try:
            (found,) = await fetch_many(self._client, [(ticket.resource, key.namespace, key.name)])
            if isinstance(found, KubeError):
                raise found
            live = found
            schema = self._schemas.get(desired.gvk)
            evidence = state.evidence(key)
            local = judge(desired, live, schema, policy, evidence)
            if scaler := await self._scalers.find(key, local):
                local = judge(desired, live, schema, policy, evidence, scaler=scaler)
            confirmed = await confirm(
                self._client,
                ticket.resource,
                desired,
                live,
                schema,
                policy,
                local,
                evidence=evidence,
                scaler=scaler,
            )
        except KubeError as error:
            if self._tickets.get(ident) is ticket:
                self._postpone(ticket, error)
            return
        except CompareError as error:
            # As long as nothing changes, it is compared no better another time.
            confirmed = Confirmed(unverifiable(desired, error.reason, error.message), "undecided")
        if self._tickets.get(ident) is not ticket:
            return  # What was read is not the newest any more, and is asked about already.
        self._tickets.close(ident)
        rules = state.policy
        if state.desired.get(key) == desired and rules and rules.digest == policy.digest:
            self._take(ticket, desired, live, confirmed)
        # Else it is pending: whoever has changed the one or the other has it judged anew.

    def _take(
        self,
        ticket: Ticket,
        desired: DesiredObject,
        live: JsonObject | None,
        confirmed: Confirmed,
    ) -> None:
        """Record an answer."""
        state, key, resource = ticket.state, ticket.key, ticket.resource
        self._counted(confirmed.outcome)
        if live is None:
            state.versions.pop(key, None)
        else:
            state.versions[key] = str(live.get("metadata", {}).get("resourceVersion", ""))
        self._note(state, resource, key, confirmed)
        if live is not None and confirmed.outcome in _LOCAL:
            self._locally(state, key, resource.gvk, state.versions[key], live)
            return
        self._recorded(state, key, confirmed.finding, self._now())
        assert state.policy is not None  # noqa: S101 - tells the type checker what _handle knows
        state.confirmed[key] = _digest(desired, live, state.policy.digest)
        if confirmed.passing and not self.once:
            # Nothing tells when it is over.
            self._tickets.reopen(ticket, cap=_PASSES_WITHIN)
        else:
            self._tickets.forget_tries(ticket.ident)

    def _note(
        self, state: TargetState, resource: ApiResource, key: ObjectKey, confirmed: Confirmed
    ) -> None:
        """Tell a target what is no finding: what is not asked, or would not be taken again."""
        state.cautions.pop(str(key), None)
        if confirmed.caution:
            state.cautions[str(key)] = (
                f"{key} is in sync, but the API server would refuse to apply it again: "
                f"{confirmed.caution}"
            )
        if confirmed.outcome != "refused":
            state.cautions.pop(str(resource), None)
            return
        log.debug("%s: %s", key, confirmed.message, extra={"target": str(state.key)})
        if "cannot patch resource" not in confirmed.message:
            return
        self._refused[resource, key.namespace] = time.monotonic()
        if _SILENT.isdisjoint({(resource.group, ""), (resource.group, resource.kind)}):
            state.cautions[str(resource)] = (
                f"{resource} are compared locally only: RBAC does not let Leadsman ask the API "
                "server about them; a ClusterRole with the label "
                "leadsman.dev/aggregate-to-dry-run would"
            )

    def _postpone(self, ticket: Ticket, error: KubeError) -> None:
        """Try again later what could not be asked about, which nobody may take for in sync."""
        state, key = ticket.state, ticket.key
        self._counted("failed")
        ticket.outdated += error.reason == OUTDATED
        if error.reason == OUTDATED and ticket.outdated < _OUTDATED:
            self._tickets.retry(ticket, cap=1.0)
            return
        delay = self._tickets.retry(ticket)
        log.warning(
            "%s cannot be asked about: %s; trying again in %.0f s",
            key,
            error.message,
            delay,
            extra={"target": str(state.key), "reason": error.reason},
        )
        if ticket.urgent:
            state.pending.add(key)
        self._tickets.fail(ticket, error)
        if state.failure is None:
            state.failure = Failure(error.stage, error.reason, error.message, self._now())
        if self.once:
            self._tickets.close(ticket.ident, failed=True)


def _digest(desired: DesiredObject, live: JsonObject | None, policy: bytes) -> bytes:
    """Return what stays the same while nothing changes that an answer depends on."""
    digest = blake2b(digest_size=16)
    for part in (desired.digest, str(desired.gvk).encode(), desired.file.encode(), policy):
        digest.update(blake2b(part, digest_size=16).digest())
    if live is not None:
        content = stable_content(live)
        try:
            digest.update(orjson.dumps(content, option=orjson.OPT_SORT_KEYS))
        except orjson.JSONEncodeError:
            try:
                digest.update(plain(content))
            except RecursionError:
                digest.update(str(live["metadata"].get("resourceVersion", "")).encode())
    return digest.digest()
