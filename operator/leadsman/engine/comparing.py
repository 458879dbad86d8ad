"""The parts that compare live objects, put together: who tells whom of what."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from leadsman.engine.dryrun.confirmer import Confirmer
from leadsman.engine.evidence.inquiries import Inquiries
from leadsman.engine.judging.acquire import Acquirer
from leadsman.engine.judging.following import Following
from leadsman.engine.judging.observer import Observer
from leadsman.engine.judging.surface import Surface
from leadsman.settings import Mode

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Mapping

    from leadsman.engine.index import Index
    from leadsman.engine.lookup import Lookup
    from leadsman.engine.reporting.outlet import Outlet
    from leadsman.engine.state import TargetState
    from leadsman.kube.client import Client
    from leadsman.kube.discovery import ApiResource, Discovery
    from leadsman.live.schemas import Schemas
    from leadsman.model.identity import TargetKey
    from leadsman.report.own_metrics import Instruments


@dataclass(frozen=True, slots=True)
class Comparing:
    """What compares."""

    observer: Observer
    acquirer: Acquirer
    following: Following
    inquiries: Inquiries
    surface: Surface


def comparing(  # noqa: PLR0913 - the parts, all by name
    *,
    client: Client,
    discovery: Discovery,
    schemas: Schemas,
    states: Mapping[TargetKey, TargetState],
    index: Index,
    lookup: Lookup,
    outlet: Outlet,
    instruments: Instruments,
    mode: Mode,
    now: Callable[[], float],
    due: Callable[[TargetKey], None],
    depended: Callable[[TargetKey], None],
    turned: Callable[[ApiResource], None],
    start: Callable[[Coroutine[None, None, None]], None],
) -> Comparing:
    """Make the parts.

    ``due`` is called with a target that has to be looked at, ``depended`` with one whose render
    reads what has changed, ``turned`` with a kind that can't be followed any more, or can be again;
    ``start`` with work to be done beside everything else.
    """
    inquiries = Inquiries(states, start=start, failed=due)
    observer = Observer(
        index,
        now=now,
        news=outlet.news,
        depended=depended,
        turned=turned,
        compared=instruments.comparisons.inc,
        waits=inquiries.waits,
        versions=lookup.versions,
    )
    if mode is Mode.DRY_RUN:
        observer.confirmer = Confirmer(
            client,
            discovery,
            observer.schemas,
            recorded=observer.record,
            locally=partial(observer.judge, ask=False),
            news=outlet.news,
            turned=due,
            counted=instruments.dry_ran,
            now=now,
        )
    following = Following(discovery, index, observer)
    acquirer = Acquirer(client, discovery, schemas, observer, following, held=inquiries.hold)
    inquiries.prove = acquirer.prove
    surface = Surface(states, discovery, schemas, following, read=observer.schemas, due=due)
    return Comparing(observer, acquirer, following, inquiries, surface)
