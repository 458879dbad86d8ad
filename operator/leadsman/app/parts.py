"""Make the parts that the operator and ``leadsman check`` share, and take them down."""

from __future__ import annotations

from contextlib import AsyncExitStack, aclosing, asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from leadsman import __version__
from leadsman.engine.engine import Engine
from leadsman.errors import LeadsmanError
from leadsman.kube.client import Client
from leadsman.kube.config import load
from leadsman.kube.discovery import ApiResource, Discovery
from leadsman.kube.listing import list_pages
from leadsman.kube.objects import decode_object
from leadsman.live.schemas import Schemas
from leadsman.render.renderer import Renderer
from leadsman.report.own_metrics import Instruments
from leadsman.source.mirrors import GitMirrors

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, AsyncIterator
    from pathlib import Path

    from leadsman.model.json import JsonObject
    from leadsman.settings import Settings

DRIFTCHECKS = ApiResource("leadsman.dev", "v1alpha1", "DriftCheck", "driftchecks", namespaced=True)


@dataclass(frozen=True, slots=True)
class Parts:
    """What an engine is made of, and the engine."""

    client: Client
    discovery: Discovery
    instruments: Instruments
    engine: Engine

    async def driftchecks(self, namespaces: tuple[str, ...] = ()) -> AsyncGenerator[JsonObject]:
        """Yield the cluster's DriftChecks, of the named namespaces or of all.

        Now and then one is yielded once more, as it is then: when its list had to begin again.

        Raises:
            KubeError: they could not be listed, for instance because the CRD is not installed, or
                because that is forbidden in one of the namespaces.

        """
        for namespace in namespaces or ("",):
            async with aclosing(list_pages(self.client, DRIFTCHECKS, namespace)) as pages:
                async for page in pages:
                    for item in page.items:
                        yield decode_object(item, DRIFTCHECKS)


def user_agent(settings: Settings) -> str:
    """Return the name under which the API server's audit log has this process."""
    return f"leadsman/{__version__} ({settings.identity})"


@asynccontextmanager
async def make_parts(settings: Settings, mirrors_in: Path | None = None) -> AsyncIterator[Parts]:
    """Make all parts; leaving the context closes what must be closed.

    ``mirrors_in`` is a folder that no other process uses, by default one in the cache folder.

    Raises:
        LeadsmanError: no cluster is known, or the cache folder cannot be written.

    """
    instruments = Instruments()
    cache = settings.cache
    try:
        cache.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise LeadsmanError(
            "CacheNotWritable",
            f"the cache folder {cache} cannot be made: {error.strerror}; name another one with "
            "--cache-dir",
            retryable=False,
        ) from error
    config = await load(
        settings.kubeconfig, settings.context, service_account=settings.service_account
    )
    mirrors = GitMirrors(
        mirrors_in or cache / "git",
        git=settings.git,
        observe=lambda operation, _seconds, outcome: (
            instruments.fetched(outcome) if operation == "fetch" else None
        ),
    )
    async with AsyncExitStack() as stack:
        stack.push_async_callback(mirrors.close)
        client = await stack.enter_async_context(
            Client(config, observe=instruments.requested, user_agent=user_agent(settings))
        )
        discovery = Discovery(client)
        engine = Engine(
            client=client,
            discovery=discovery,
            schemas=Schemas(client, lambda: discovery.kube_version),
            mirrors=mirrors,
            renderer=Renderer(
                helm=settings.helm,
                kustomize=settings.kustomize,
                cache=cache / "renders",
                parallel=settings.renders,
                allow_unsandboxed=settings.allow_unsandboxed,
                observe=lambda renderer, _seconds, outcome: instruments.rendered(renderer, outcome),
            ),
            instruments=instruments,
            mode=settings.mode,
            share=max(1, settings.workers * 3 // 4),
        )
        yield Parts(client, discovery, instruments, engine)
