"""Render a target: find what is at its path, see that all is there, run the program, or not.

What a render needs is read and checked first, in a thread. That also tells what it depends on: with
the same inputs the former result is taken from the cache and no program runs.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Final, TypeAlias

from leadsman.errors import RenderError
from leadsman.model.trace import trace
from leadsman.render.cache import RenderCache, cache_key
from leadsman.render.checkout import Checkout
from leadsman.render.helm import HelmPlan, template
from leadsman.render.kustomize import KustomizePlan, build
from leadsman.render.messages import scrub, shown
from leadsman.render.objects import assemble
from leadsman.render.plain import PlainPlan, read_plain
from leadsman.render.plan import Plan, make_plan
from leadsman.render.request import ClusterFacts, ValuesDocument
from leadsman.render.sandbox import Limits, Sandbox, scratch_folder
from leadsman.render.slots import Slots
from leadsman.render.threads import in_thread
from leadsman.render.tool import Tool

if TYPE_CHECKING:
    from pathlib import Path

    from leadsman.model.desired import Rendered
    from leadsman.model.source import Artifact
    from leadsman.model.target import Target
    from leadsman.render.documents import Documents

__all__ = ["ClusterFacts", "Limits", "Renderer", "ValuesDocument"]

# Told of each render: what renders (Helm, Kustomize, Plain, Unknown), how long it took in seconds,
# and how it ended: rendered, cached, cancelled, or the reason of the error.
Observe: TypeAlias = Callable[[str, float, str], None]

# Characters of a hash in a message: "sha256:" and enough to tell it.
_SHOWN_DIGEST: Final = 19
_CACHE_SIZE: Final = 512 << 20
_LIMITS: Final = Limits()


class Renderer:
    """Renders targets, ``parallel`` at once, and beside them some of those that take long.

    ``helm`` and ``kustomize`` are paths, or names on PATH. ``cache`` None: nothing is kept; its
    size is in bytes. ``scratch`` is where a folder for each run is made and removed, by default the
    system's place for such.
    """

    def __init__(  # noqa: PLR0913 - settings, each with its default
        self,
        *,
        helm: str = "helm",
        kustomize: str = "kustomize",
        cache: Path | None = None,
        cache_size: int = _CACHE_SIZE,
        limits: Limits = _LIMITS,
        parallel: int = 2,
        allow_unsandboxed: bool = False,
        scratch: Path | None = None,
        observe: Observe = lambda _renderer, _seconds, _outcome: None,
    ) -> None:
        self._sandbox = Sandbox(limits, allow_unsandboxed=allow_unsandboxed)
        self._cache = RenderCache(cache, cache_size) if cache is not None else None
        self._scratch = scratch
        self._observe = observe
        self._slots = Slots(parallel)
        self._helm = Tool(helm, "--helm", ("version", "--template", "{{.Version}}"))
        self._kustomize = Tool(kustomize, "--kustomize", ("version",))

    async def render(
        self,
        artifact: Artifact,
        target: Target,
        facts: ClusterFacts,
        values_from: Sequence[ValuesDocument] = (),
    ) -> Rendered:
        """Return the objects that the target asks for in the artifact.

        ``values_from`` are the texts of the target's ``values_from``, in order.

        Raises:
            RenderError: what was asked for is not there, cannot be rendered, or is nothing.

        """
        kind, outcome = "Unknown", "cancelled"
        async with self._slots.turn(target.key, target.key.namespace):
            started = time.monotonic()
            checkout = Checkout(artifact.root)
            try:
                plan = await in_thread(make_plan, checkout, target, facts, values_from)
                kind = plan.kind
                key = await self._key(artifact, checkout, plan)
                documents = await self._kept(key)
                outcome = "cached" if documents is not None else "rendered"
                if documents is None:
                    documents = (await self._run(plan, checkout)).shown()
                    await self._keep(key, documents)
                rendered = await in_thread(
                    assemble,
                    documents,
                    renderer=kind,
                    namespace=target.target_namespace or target.key.namespace,
                    scope=facts.scope,
                )
                _refuse_empty(rendered, target)
                _refuse_other(documents, target)
                rendered = replace(rendered, trace=trace(artifact.trees, checkout.inputs))
            except OSError as error:
                failed = _not_accessible(error, checkout)
                outcome = failed.reason
                raise failed from error
            except RenderError as error:
                outcome = error.reason
                # It may name files, and is written where only characters can stand.
                error.message = shown(error.message)
                error.args = (error.message,)
                raise
            except asyncio.CancelledError:
                outcome = "cancelled"
                raise
            finally:
                self._observe(kind, time.monotonic() - started, outcome)
        return rendered

    async def _key(self, artifact: Artifact, checkout: Checkout, plan: Plan) -> str | None:
        said = plan.key()
        if self._cache is None or not artifact.trees or said is None:
            return None
        tool = self._tool(plan)
        version = await tool.version(self._sandbox, self._scratch) if tool else ""
        return cache_key(artifact.trees, checkout.inputs, [plan.kind, version, said])

    async def _kept(self, key: str | None) -> Documents | None:
        if self._cache is None or key is None:
            return None
        return await in_thread(self._cache.get, key)

    async def _keep(self, key: str | None, documents: Documents) -> None:
        if self._cache is not None and key is not None:
            await in_thread(self._cache.put, key, documents)

    async def _run(self, plan: Plan, checkout: Checkout) -> Documents:
        with scratch_folder(self._scratch) as scratch:
            match plan:
                case HelmPlan():
                    program = self._helm.program()
                    return await template(plan, checkout, program, self._sandbox, scratch)
                case KustomizePlan():
                    program = self._kustomize.program()
                    return await build(plan, checkout, program, self._sandbox, scratch)
                case PlainPlan():
                    return await in_thread(read_plain, plan, checkout)

    def _tool(self, plan: Plan) -> Tool | None:
        match plan:
            case HelmPlan():
                return self._helm
            case KustomizePlan():
                return self._kustomize
            case PlainPlan():
                return None


def _refuse_empty(rendered: Rendered, target: Target) -> None:
    if not rendered.objects and not target.allow_empty:
        raise RenderError(
            "EmptyRender",
            f"{target.path or '.'} renders to no object at all: if that is meant, set "
            "spec.allowEmpty",
            retryable=False,
        )


def _refuse_other(documents: Documents, target: Target) -> None:
    """Refuse what is not what Flux applied, by the hash that it noted."""
    flux = target.flux
    if flux is not None and flux.digest and documents.digest not in {"", flux.digest}:
        raise RenderError(
            "NotAsApplied",
            f"what is rendered now ({documents.digest[:_SHOWN_DIGEST]}) is not what Flux applied "
            f"({flux.digest[:_SHOWN_DIGEST]}): the Kustomization or its variables may have been "
            "changed and not been applied since",
            retryable=False,
        )


def _not_accessible(error: OSError, checkout: Checkout) -> RenderError:
    """Return the error for a file that cannot be used, or a machine that is out of something."""
    named = f"{error.filename}: " if isinstance(error.filename, str) else ""
    said = shown(scrub(f"{named}{error.strerror or error}", {checkout.root: ""}))
    return RenderError("FileNotAccessible", said)
