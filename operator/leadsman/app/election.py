"""Wait until this process may work, keep the right to, and give it back."""

from __future__ import annotations

import asyncio
import logging
import random
import uuid
from contextlib import aclosing, asynccontextmanager, suppress
from typing import TYPE_CHECKING

import orjson

from leadsman.app.candidate import COUNT, Candidate, Terms
from leadsman.app.parts import user_agent
from leadsman.app.tenure import Tenure
from leadsman.errors import KubeError, LeadsmanError
from leadsman.kube.client import Client
from leadsman.kube.leases import LEASES, Lease, LeaseStore
from leadsman.kube.stream import Deleted, Observed
from leadsman.kube.watching import KindWatch

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from leadsman.app.candidate import Waits
    from leadsman.engine.scheduling.shards import Shard
    from leadsman.kube.access import ClusterConfig
    from leadsman.report.own_metrics import Instruments
    from leadsman.settings import Settings

log = logging.getLogger(__name__)

# Standbys do not all ask at once. Source: ``JitterFactor`` in client-go's leaderelection.
_JITTER = 1.2
# Seconds until the next try after a renewal that has failed, or a race that was lost, at most.
_SOON = 1.0
# Seconds that giving the Lease back may take; then it expires by itself.
_LAST_WORDS = 3.0


class Election:
    """Leader election for one shard; see ``Candidate`` for its rules.

    ``standby``: another process works, as far as is known, and this one waits.
    """

    def __init__(
        self, config: ClusterConfig, settings: Settings, shard: Shard, instruments: Instruments
    ) -> None:
        self.standby = False
        self.namespace = settings.lease_namespace or config.namespace
        self._terms = terms_from(settings)
        self._instruments = instruments
        # A client of its own: requests of the work must not keep a renewal waiting.
        self._client = Client(
            config,
            timeout=self._terms.renew / 2,
            observe=instruments.requested,
            user_agent=user_agent(settings),
        )
        self._candidate = Candidate(
            LeaseStore(self._client, self.namespace),
            shard,
            f"{settings.identity}_{uuid.uuid4()}",
            self._terms,
        )
        self._woken = asyncio.Event()
        self._said = ""

    @asynccontextmanager
    async def leading(self) -> AsyncIterator[Tenure]:
        """Wait until this process may work, run the block, and give the Lease back.

        The block is cancelled where the Lease is lost.

        Raises:
            LeaseLostError: it was, within an exception group.

        """
        candidate = self._candidate
        tenure = Tenure(lambda: candidate.remaining)
        try:
            await self._win()
            async with asyncio.TaskGroup() as group:
                keeping = group.create_task(self._keep(tenure))
                self._instruments.leads(leads=True)
                yield tenure
                keeping.cancel()
        finally:
            self._instruments.leads(leads=False)
            if tenure.cut:
                # As long as it may still arrive, nobody else is to write.
                log.warning("a write was cut off: the Lease %s expires by itself", candidate.lease)
            else:
                await self._resign()
            await self._client.close()

    async def _win(self) -> None:
        async with asyncio.TaskGroup() as group:
            watching = group.create_task(self._watch())
            while waits := await self._stand():
                self.standby = self.standby or not waits.again
                self._say(waits.why)
                await self._pause(_SOON if waits.again else self._terms.retry)
            watching.cancel()
        self.standby = False
        candidate = self._candidate
        log.info(
            "works as %s",
            candidate.shard,
            extra={"lease": f"{self.namespace}/{candidate.lease}", "holder": candidate.identity},
        )

    async def _stand(self) -> Waits | None:
        while True:
            self._woken.clear()
            try:
                async with asyncio.timeout(self._terms.renew):
                    return await self._candidate.stand()
            except (KubeError, TimeoutError) as error:
                self._say(f"the Leases cannot be asked for: {_words(error)}", logging.WARNING)
            await self._pause(self._terms.retry)

    async def _pause(self, seconds: float) -> None:
        """Wait so long, or until a Lease is given back."""
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds * random.uniform(1.0, _JITTER)):  # noqa: S311
                await self._woken.wait()

    async def _watch(self) -> None:
        """Notice at once that a Lease is given back: what is asked then is asked anew."""
        watch = KindWatch(self._client, LEASES, self.namespace)
        async with aclosing(watch.events()) as events:
            async for event in events:
                match event:
                    case Observed(meta, raw):
                        if meta.name == COUNT or not Lease.read(orjson.loads(bytes(raw))).holder:
                            self._woken.set()
                    case Deleted():
                        self._woken.set()
                    case _:
                        pass

    async def _keep(self, tenure: Tenure) -> None:
        """Renew until cancelled; raises LeaseLostError."""
        candidate, delay = self._candidate, self._terms.retry
        while True:
            await asyncio.sleep(min(delay, max(0.0, candidate.remaining)))
            try:
                async with asyncio.timeout(candidate.remaining):
                    await candidate.renew()
            except (KubeError, TimeoutError) as error:
                log.warning("the Lease %s was not renewed: %s", candidate.lease, _words(error))
                delay = min(_SOON, self._terms.retry)
            else:
                tenure.prolong()
                delay = self._terms.retry

    async def _resign(self) -> None:
        try:
            async with asyncio.timeout(_LAST_WORDS):
                await self._candidate.resign()
        except (KubeError, TimeoutError) as error:
            log.warning(
                "the Lease %s was not given back, and expires: %s",
                self._candidate.lease,
                _words(error),
            )

    def _say(self, words: str, level: int = logging.INFO) -> None:
        """Log why this process waits, each time that it waits for something else."""
        if words != self._said:
            log.log(level, "a standby: %s", words, extra={"shard": str(self._candidate.shard)})
        self._said = words


def terms_from(settings: Settings) -> Terms:
    """Return the terms that are set.

    Raises:
        LeadsmanError: no time is left between them; as client-go wants it.

    """
    terms = Terms(settings.lease_duration, settings.renew_deadline, settings.retry_period)
    if not terms.duration > terms.renew > terms.retry * _JITTER > 0:
        raise LeadsmanError(
            "InvalidSettings",
            "leader election needs a lease duration that is longer than the renew deadline, and "
            f"that longer than {_JITTER} retry periods; they are {terms.duration} s, "
            f"{terms.renew:g} s and {terms.retry:g} s",
            retryable=False,
        )
    return terms


def _words(error: KubeError | TimeoutError) -> str:
    return error.message if isinstance(error, KubeError) else "no answer in time"
