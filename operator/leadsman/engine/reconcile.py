"""One look at one target: what does Git ask for now, and does the cluster have it?

Level-based: a reconcile reads the present state anew, whatever woke it, and does only what the
difference to the last look asks for. An unchanged revision renders nothing; a changed one has only
those objects judged that it touched.
"""

from __future__ import annotations

import asyncio
import logging
import random
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from leadsman.compare.policy import compile_policy
from leadsman.engine.inputs import inputs_of, interval
from leadsman.errors import KubeError, LeadsmanError, SourceError
from leadsman.model.finding import State
from leadsman.model.identity import Gvk
from leadsman.model.source import LocalSource
from leadsman.model.status import Failure
from leadsman.render.helm_values import secret_texts
from leadsman.render.renderer import ClusterFacts
from leadsman.source.local import local_artifact

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from leadsman.engine.acquire import Acquirer
    from leadsman.engine.index import Index
    from leadsman.engine.lookup import Lookup
    from leadsman.engine.state import TargetState
    from leadsman.kube.discovery import Discovery
    from leadsman.model.identity import TargetKey
    from leadsman.model.source import Artifact, Commit, Credentials, GitSource
    from leadsman.model.target import Target
    from leadsman.render.renderer import Renderer, ValuesDocument
    from leadsman.source.mirrors import GitMirrors

log = logging.getLogger(__name__)

# The share by which a poll may come later than its interval, so that polls spread out.
_JITTER = 0.1
# Several targets of one repository that poll within so many seconds share one answer, but a target
# asks no less often than its interval says.
_SHARED_FOR = 2.0
_SHARED_PART = 0.5


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
        mirrors: GitMirrors,
        renderer: Renderer,
        discovery: Discovery,
        lookup: Lookup,
        index: Index,
        acquirer: Acquirer,
        now: Callable[[], float],
        staged: Callable[[str, float], None],
    ) -> None:
        """``staged`` is called with a stage's name and the seconds that it took."""
        self._mirrors = mirrors
        self._renderer = renderer
        self._discovery = discovery
        self._lookup = lookup
        self._index = index
        self._acquirer = acquirer
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
            broken = self._acquirer.broken(state) if isinstance(error, KubeError) else None
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
        if checked and (broken := self._acquirer.broken(state)) is not None:
            # What was judged stands, and is not known to hold any more.
            self._fail(state, broken)
        elif checked:
            state.failure = None
            if self._acquirer.healthy(state.key):
                state.checked_at = self._now()
        return Outcome(after=interval(target) * (1.0 + _JITTER * random.random()))  # noqa: S311 - spreads polls, keeps no secret

    async def _look(self, state: TargetState, target: Target | None) -> bool:
        """Return whether the target was checked; False where there is nothing to look at."""
        if state.spec_error is not None:
            raise state.spec_error
        if target is None:
            return False
        stale, rejudge, anew = state.stale, state.rejudge, state.requested != state.handled
        if anew:
            state.failed = None
            self._lookup.forget_values(target)
        credentials = await self._credentials(target)
        commit = await self._resolve(state, target, credentials)
        values = await self._values(target)
        policy = compile_policy(target, secret_texts(values))
        rejudge = rejudge or state.policy is None or state.policy.digest != policy.digest
        inputs = inputs_of(target, commit, values, self._discovery)
        if commit is not None and inputs == state.rendered:
            # Another name, a tag say, may lead to the same commit now.
            state.commit = commit
        is_rendered = inputs == state.rendered and not stale
        if is_rendered and not (rejudge or anew or state.pending):
            return True
        if not stale and state.failed is not None and inputs == state.failed[0]:
            # Only a commit or another spec can mend it: rendering once more would say the same.
            # It is said again, since another failure may have been told meanwhile. What is still
            # compared is compared by other rules, if there are.
            if rejudge and state.rendered is not None:
                state.reconsider(policy)
                await self._acquirer.acquire(state)
            raise state.failed[1].with_traceback(None)
        if rejudge or not is_rendered:
            await self._render(
                state, target, commit, credentials, values, rejudge=rejudge, inputs=inputs
            )
            state.policy = policy
            state.stale = state.rejudge = False
        if anew:
            state.recheck(policy)
        started = time.monotonic()
        state.busy = True
        await self._acquirer.acquire(state)
        self._staged("compare", time.monotonic() - started)
        return True

    def drop(self, key: TargetKey) -> None:
        """Forget what was kept for a target."""
        self._checkouts.pop(key, None)

    def checkouts(self) -> frozenset[Path]:
        """Return the folders that targets were last rendered from."""
        return frozenset(self._checkouts.values())

    async def _credentials(self, target: Target) -> Credentials | None:
        if isinstance(target.source, LocalSource) or not target.source.secret:
            return None
        return await self._lookup.credentials(target.source)

    async def _resolve(
        self, state: TargetState, target: Target, credentials: Credentials | None
    ) -> Commit | None:
        """Return the commit to check; None for a local folder, which is read as it is."""
        source = target.source
        if isinstance(source, LocalSource):
            return None
        if target.suspended and state.commit is not None and state.commit.sha:
            return state.commit
        started = time.monotonic()
        try:
            return await self._ask(state, source, credentials)
        except LeadsmanError:
            # A rotated password is the likeliest cause that another look at the Secret mends.
            self._lookup.forget_credentials(source)
            raise
        finally:
            self._staged("source", time.monotonic() - started)

    async def _ask(
        self, state: TargetState, source: GitSource, credentials: Credentials | None
    ) -> Commit:
        max_age = min(_SHARED_FOR, source.interval * _SHARED_PART)
        try:
            return await self._mirrors.resolve(source, credentials, max_age=max_age)
        except SourceError as error:
            known = state.failure is not None and state.failure.reason == error.reason
            if error.reason != "RefNotFound" or known:
                raise
        # What another target was told a moment ago may be older than the push of this reference.
        return await self._mirrors.resolve(source, credentials)

    async def _values(self, target: Target) -> tuple[ValuesDocument, ...]:
        """Return the Helm values that are in the cluster; what they are read from is watched."""
        self._index.depend(target.key, self._lookup.dependencies(target))
        await self._acquirer.attend(target.key)
        if not self._acquirer.attends(target.key):
            self._lookup.forget_values(target)
        return await self._lookup.values(target)

    async def _render(
        self,
        state: TargetState,
        target: Target,
        commit: Commit | None,
        credentials: Credentials | None,
        values: tuple[ValuesDocument, ...],
        *,
        rejudge: bool,
        inputs: tuple[object, ...],
    ) -> None:
        artifact = await self._artifact(target.source, credentials, commit)
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

    async def _artifact(
        self,
        source: GitSource | LocalSource,
        credentials: Credentials | None,
        commit: Commit | None,
    ) -> Artifact:
        if isinstance(source, LocalSource):
            return await asyncio.to_thread(local_artifact, source)
        assert commit is not None  # noqa: S101 - tells the type checker what _resolve knows
        started = time.monotonic()
        try:
            return await self._mirrors.artifact(source, credentials, commit)
        except LeadsmanError:
            self._lookup.forget_credentials(source)
            raise
        finally:
            self._staged("checkout", time.monotonic() - started)

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


def _leaves_alone(artifact: Artifact, state: TargetState, inputs: tuple[object, ...]) -> bool:
    """Tell whether a commit changes nothing of what the target's last render has read."""
    if state.stale or state.rendered is None or state.trace is None:
        return False
    # All but the commit, which comes first.
    return inputs[1:] == state.rendered[1:] and state.trace.holds(artifact.trees)
