"""One look at one target: what does Git ask for now, and does the cluster have it?

Level-based: a reconcile reads the present state anew, whatever woke it, and does only what the
difference to the last look asks for. An unchanged revision renders nothing; a changed one has only
those objects judged that it touched.
"""

from __future__ import annotations

import logging
import random
import time
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from leadsman.compare.policy import compile_policy
from leadsman.engine.inputs import inputs_of, interval
from leadsman.errors import KubeError, LeadsmanError
from leadsman.model.finding import State
from leadsman.model.identity import Gvk
from leadsman.model.status import Failure
from leadsman.render.helm_values import secret_texts
from leadsman.render.renderer import ClusterFacts

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

    from leadsman.engine.index import Index
    from leadsman.engine.judging.acquire import Acquirer
    from leadsman.engine.judging.following import Following
    from leadsman.engine.lookup import Lookup
    from leadsman.engine.sources import Sources
    from leadsman.engine.state import Demand, TargetState
    from leadsman.kube.discovery import Discovery
    from leadsman.model.identity import TargetKey
    from leadsman.model.source import Artifact, Commit
    from leadsman.model.target import Target
    from leadsman.render.renderer import Renderer, ValuesDocument

log = logging.getLogger(__name__)

# The share by which a poll may come later than its interval, so that polls spread out.
_JITTER = 0.1


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a reconcile asks for: to be done again ``after`` seconds, or retried with backoff."""

    after: float
    retry: bool = False


class Reconciler:
    """Carries a target from its spec to judged objects."""

    def __init__(  # noqa: PLR0913 - the parts, all by name
        self,
        *,
        sources: Sources,
        renderer: Renderer,
        discovery: Discovery,
        lookup: Lookup,
        index: Index,
        acquirer: Acquirer,
        following: Following,
        now: Callable[[], float],
        staged: Callable[[str, float], None],
    ) -> None:
        """``staged`` is called with a stage's name and the seconds that it took."""
        self._sources = sources
        self._renderer = renderer
        self._discovery = discovery
        self._lookup = lookup
        self._index = index
        self._acquirer = acquirer
        self._following = following
        self._now = now
        self._staged = staged
        self._checkouts: dict[TargetKey, Path] = {}

    async def reconcile(self, state: TargetState) -> Outcome:
        """Look at the target once; its state says what came of it, no error leaves here."""
        target, generation, requested = state.target, state.generation, state.requested
        try:
            checked = await self._look(state, target)
        except LeadsmanError as error:
            # That a kind cannot be followed says more than what its objects were refused with.
            broken = self._following.broken(state) if isinstance(error, KubeError) else None
            self._fail(state, broken or error)
            return Outcome(after=interval(target), retry=error.retryable)
        except OSError as error:
            where = f" ({error.filename})" if error.filename else ""
            problem = f"a file of Leadsman's own cannot be used: {error.strerror or error}{where}"
            self._fail(state, LeadsmanError("StorageFailed", f"{problem}: is the cache full?"))
            return Outcome(after=interval(target), retry=True)
        except Exception as error:
            # A defect of ours that one repository brings to light: said loudly, never in sync,
            # and no other target suffers. The text may hold what is secret, so only its kind.
            log.exception("a defect", extra={"target": str(state.key)})
            defect = f"a defect of Leadsman ({type(error).__name__}), which its log tells more of"
            self._fail(state, LeadsmanError("InternalError", defect))
            return Outcome(after=interval(target), retry=True)
        finally:
            state.busy = False
            state.settled = True
            state.observed = generation
            # Well or badly: what is left to be looked at stays pending.
            state.handled = requested
        if checked and (broken := self._following.broken(state)) is not None:
            # What was judged stands, and is not known to hold any more.
            self._fail(state, broken)
        elif checked:
            state.failure = None
            if self._following.healthy(state.key):
                state.checked_at = self._now()
        return Outcome(after=interval(target) * (1.0 + _JITTER * random.random()))  # noqa: S311 - spreads polls, keeps no secret

    async def prepare(self, state: TargetState) -> None:
        """Render the target, and leave it to ``reconcile`` to compare, and to tell what failed."""
        if state.spec_error is None and state.target is not None:
            # Whatever goes wrong will do so again where it is told.
            with suppress(Exception):
                await self._prepare(state, state.target)
                await self._acquirer.recall(state)

    async def _look(self, state: TargetState, target: Target | None) -> bool:
        """Return whether the target was checked; False where there is nothing to look at."""
        if state.spec_error is not None:
            raise state.spec_error
        if target is None:
            return False
        if await self._prepare(state, target):
            started = time.monotonic()
            state.busy = True
            await self._acquirer.acquire(state)
            self._staged("compare", time.monotonic() - started)
        return True

    async def _prepare(self, state: TargetState, target: Target) -> bool:
        """Render what has changed; return whether there is anything to compare."""
        anew = state.requested != state.handled
        # What is asked for while this look goes on is for the next one.
        demands = tuple((demand, demand.asked) for demand in (state.stale, state.rejudge))
        stale, rejudge = map(bool, (state.stale, state.rejudge))
        if anew:
            state.failed = None
            self._lookup.forget_values(target)
        commit = await self._sources.commit(state, target)
        values = await self._values(target)
        policy = compile_policy(target, secret_texts(values))
        rejudge = rejudge or state.policy is None or state.policy.digest != policy.digest
        inputs = inputs_of(target, commit, values, self._discovery)
        if commit is not None and inputs == state.rendered:
            # Another name, a tag say, may lead to the same commit now.
            state.commit = commit
        is_rendered = inputs == state.rendered and not stale
        waits = state.pending or state.assumed or state.unfollowed
        if is_rendered and not (rejudge or anew or waits):
            return False
        if not stale and state.failed is not None and inputs == state.failed[0]:
            # Only a commit or another spec can mend it: rendering once more would say the same.
            # It is said again, since another failure may have been told meanwhile. What is still
            # compared is compared by other rules, if there are.
            if rejudge and state.rendered is not None:
                state.reconsider(policy)
                _meet(demands)
                await self._acquirer.acquire(state)
            raise state.failed[1].with_traceback(None)
        if rejudge or not is_rendered:
            await self._render(state, target, commit, values, rejudge=rejudge, inputs=inputs)
            state.policy = policy
            _meet(demands)
        if anew:
            state.recheck(policy)
        return True

    def drop(self, key: TargetKey) -> None:
        """Forget what was kept for a target."""
        self._checkouts.pop(key, None)

    def checkouts(self) -> frozenset[Path]:
        """Return the folders that targets were last rendered from."""
        return frozenset(self._checkouts.values())

    async def _values(self, target: Target) -> tuple[ValuesDocument, ...]:
        """Return the Helm values that are in the cluster; what they are read from is watched."""
        self._index.depend(target.key, self._lookup.dependencies(target))
        await self._following.attend(target.key)
        if not self._following.attends(target.key):
            self._lookup.forget_values(target)
        return await self._lookup.values(target)

    async def _render(
        self,
        state: TargetState,
        target: Target,
        commit: Commit | None,
        values: tuple[ValuesDocument, ...],
        *,
        rejudge: bool,
        inputs: tuple[object, ...],
    ) -> None:
        artifact = await self._sources.artifact(target, commit)
        self._checkouts[state.key] = artifact.root
        if not rejudge and _leaves_alone(artifact, state, inputs):
            state.commit = artifact.commit
            state.rendered = inputs
            state.failed = None
            return
        started = time.monotonic()
        facts = ClusterFacts(
            kube_version=self._discovery.kube_version,
            api_versions=self._discovery.api_versions,
            scope=self._discovery.scope,
        )
        try:
            rendered = await self._renderer.render(artifact, target, facts, values)
        except LeadsmanError as error:
            state.failed = None if error.retryable else (inputs, error)
            raise
        finally:
            self._staged("render", time.monotonic() - started)
        first = state.rendered is None
        state.failed = None
        state.busy = True
        state.commit = artifact.commit
        state.rendered = inputs
        state.install(rendered, rejudge=rejudge)
        if first and state.restored is not None:
            self._adopt_inventory(state)
        self._index.replace(state)
        for warning in rendered.warnings:
            log.warning("%s", warning, extra={"target": str(state.key)})

    def _adopt_inventory(self, state: TargetState) -> None:
        """Look after what was rendered before a restart, lived, and Git has dropped since."""
        if state.restored is None:
            return
        absent = {
            finding.key
            for finding in state.restored.findings
            if finding.state is State.MISSING or finding.reason == "KindNotServed"
        }
        for key in state.restored.inventory:
            if key in absent:
                continue
            if key in state.desired:
                state.lived.add(key)
            else:
                state.orphans[key] = Gvk(key.group, "", key.kind)
                state.pending.add(key)
        state.restored = None

    def _fail(self, state: TargetState, error: LeadsmanError) -> None:
        before = state.failure
        same = before is not None and (before.stage, before.reason) == (error.stage, error.reason)
        since = before.since if same and before is not None else self._now()
        state.failure = Failure(error.stage, error.reason, error.message, since)
        level = logging.DEBUG if same else logging.WARNING
        log.log(
            level,
            "%s: %s",
            error.reason,
            error.message,
            extra={"target": str(state.key), "stage": error.stage},
        )


def _meet(demands: Iterable[tuple[Demand, int]]) -> None:
    for demand, asked in demands:
        demand.done = asked


def _leaves_alone(artifact: Artifact, state: TargetState, inputs: tuple[object, ...]) -> bool:
    """Tell whether a commit changes nothing of what the target's last render has read."""
    if state.stale or state.rendered is None or state.trace is None:
        return False
    # All but the commit, which comes first.
    return inputs[1:] == state.rendered[1:] and state.trace.holds(artifact.trees)
