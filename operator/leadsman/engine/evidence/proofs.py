"""What delivery says that it sent: asked for where what it wrote last differs from Git."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

import orjson

from leadsman.compare.access import mapping, objects
from leadsman.compare.owners.evidence import Evidence
from leadsman.compare.owners.managers import ARGO_CD, FLUX, HELM
from leadsman.engine.evidence.releases import Releases
from leadsman.engine.evidence.scalers import Scalers, is_scaled
from leadsman.engine.inquiry import Answer, Origin, Question, Tool, scaled_at
from leadsman.errors import KubeError
from leadsman.model.finding import Cause, Op
from leadsman.model.identity import Gvk
from leadsman.targets.applied import Applied, applied_by_argo, applied_by_flux

if TYPE_CHECKING:
    from collections.abc import Mapping
    from collections.abc import Set as AbstractSet

    from leadsman.engine.state import TargetState
    from leadsman.kube.client import Client
    from leadsman.kube.discovery import Discovery
    from leadsman.model.finding import Finding
    from leadsman.model.identity import ObjectKey
    from leadsman.model.json import Json, JsonObject

# Names as they may stand in a selector.
_NAME = re.compile(r"[a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?")
_FLUX = "kustomize.toolkit.fluxcd.io"
_KUSTOMIZATION = Gvk(_FLUX, "", "Kustomization")
_APPLICATION = Gvk("argoproj.io", "", "Application")
# Annotations by which Flux sends an object in part, once or never.
_SENT_OTHERWISE = (f"{_FLUX}/ssa", f"{_FLUX}/reconcile")


# Field managers by the tool that they belong to.
MANAGERS: Mapping[Tool, frozenset[str]] = {Tool.HELM: HELM, Tool.FLUX: FLUX, Tool.ARGO: ARGO_CD}


def question(
    finding: Finding | None, live: JsonObject, untold: AbstractSet[str] = frozenset()
) -> Question | None:
    """Return what to ask for, None where no record could tell anything.

    ``untold`` as ``judge`` fills it: only Helm keeps what it sent as it sent it. Of what others
    have applied is known which commit it was, and that Git's own is not what is left behind.
    """
    writers = untold & MANAGERS[Tool.HELM]
    writers |= {
        change.manager
        for change in (finding.changes if finding is not None else ())
        if change.cause is Cause.LIVE and change.op is not Op.ADD
    }
    scaled = scaled_at(live) if is_scaled(finding) else ""
    if not writers and not scaled:
        return None
    metadata = mapping(live.get("metadata"))
    for tool, managers in MANAGERS.items():
        origin = _ORIGINS[tool](metadata) if writers & managers else None
        if origin is not None and all(
            map(_NAME.fullmatch, filter(None, (origin.namespace, origin.name or "?")))
        ):
            times = {
                str(entry.get("time"))
                for entry in objects(metadata.get("managedFields"))
                if entry.get("manager") in managers
            }
            return Question(origin, frozenset(times), scaled)
    return Question(None, frozenset(), scaled) if scaled else None


def _helm(metadata: JsonObject) -> Origin | None:
    said = mapping(metadata.get("annotations"))
    where = said.get("meta.helm.sh/release-namespace"), said.get("meta.helm.sh/release-name")
    return _origin(Tool.HELM, *where)


def _flux(metadata: JsonObject) -> Origin | None:
    labels, annotations = mapping(metadata.get("labels")), mapping(metadata.get("annotations"))
    if any(name in annotations for name in _SENT_OTHERWISE):
        return None
    return _origin(Tool.FLUX, labels.get(f"{_FLUX}/namespace"), labels.get(f"{_FLUX}/name"))


def _argo(metadata: JsonObject) -> Origin | None:
    """Read the tracking annotation, ``<application>:...``, or the label that was before it.

    An application outside of Argo CD's own namespace is written ``<namespace>_<name>``.
    """
    tracked = mapping(metadata.get("annotations")).get("argocd.argoproj.io/tracking-id")
    if isinstance(tracked, str):
        name = tracked.partition(":")[0]
    else:
        name = str(mapping(metadata.get("labels")).get("app.kubernetes.io/instance", ""))
    namespace, _, name = name.rpartition("_")
    return Origin(Tool.ARGO, namespace, name)


_ORIGINS = {Tool.HELM: _helm, Tool.FLUX: _flux, Tool.ARGO: _argo}


def _origin(tool: Tool, namespace: Json, name: Json) -> Origin | None:
    if not (isinstance(namespace, str) and namespace and isinstance(name, str)):
        return None
    return Origin(tool, namespace, name)


class Proofs:
    """Asks the tools' records in the cluster, and keeps nothing."""

    def __init__(self, client: Client, discovery: Discovery) -> None:
        self._client = client
        self._discovery = discovery
        self._releases = Releases(client)
        self._scalers = Scalers(client, discovery)

    async def answers(
        self, state: TargetState, asked: Mapping[ObjectKey, Question]
    ) -> dict[ObjectKey, Answer]:
        """Return what is known of each object; nothing of what cannot be read.

        Objects of one origin share its requests.
        """
        found: dict[ObjectKey, Answer] = {}
        for origin in sorted({one.origin for one in asked.values() if one.origin is not None}):
            wanted = {key: one for key, one in asked.items() if one.origin == origin}
            try:
                if origin.tool is Tool.HELM:
                    times = frozenset(time for one in wanted.values() for time in one.times)
                    found |= await self._helm(origin, frozenset(wanted), times)
                else:
                    found |= await self._applied(state, origin, frozenset(wanted))
            except KubeError:
                continue  # Without permission or an answer there is no evidence.
        scaled = await self._scalers.of(key for key, one in asked.items() if one.scaled)
        for key, scaler in scaled.items():
            found[key] = replace(found.get(key, Answer()), scaler=scaler)
        return found

    async def _helm(
        self, origin: Origin, keys: frozenset[ObjectKey], times: frozenset[str]
    ) -> dict[ObjectKey, Answer]:
        sent, running = await self._releases.sent(origin.namespace, origin.name, keys, times)
        return {
            key: Answer(
                tuple(
                    Evidence(
                        f"Helm release {origin.namespace}/{origin.name} revision {one.number}",
                        MANAGERS[Tool.HELM],
                        document,
                        one.begun,
                        one.ended,
                    )
                    for one, document in sent.get(key, ())
                ),
                running,
            )
            for key in keys
        }

    async def _applied(
        self, state: TargetState, origin: Origin, keys: frozenset[ObjectKey]
    ) -> dict[ObjectKey, Answer]:
        """Take Git's own objects for what was sent, if the commit that was sent is the target's."""
        applied = await self._read(origin, is_known=_is_its_own(state, origin))
        if applied is None:
            return {}
        if applied.running:
            return dict.fromkeys(keys, Answer(running=True))
        commit = state.commit
        if commit is None or commit.sha not in applied.commits or "+" in commit.revision:
            return {}
        # Flux applies server-side and nothing else; Argo CD does either.
        operation = "Apply" if origin.tool is Tool.FLUX else ""
        return {
            key: Answer(
                (
                    Evidence(
                        applied.source,
                        MANAGERS[origin.tool],
                        orjson.loads(state.desired[key].body),
                        applied.begun,
                        applied.ended,
                        operation,
                    ),
                )
            )
            for key in keys & state.desired.keys()
        }

    async def _read(self, origin: Origin, *, is_known: bool) -> Applied | None:
        is_flux = origin.tool is Tool.FLUX
        served = self._discovery.readable(_KUSTOMIZATION if is_flux else _APPLICATION)
        if not served:
            return None
        # Not a get: the operator may list everything, and get little.
        answer = await self._client.get(
            served[0].path(origin.namespace),
            params={"fieldSelector": f"metadata.name={origin.name}"},
        )
        found = objects(answer.get("items"))
        if len(found) != 1:
            return None
        if is_flux:
            return applied_by_flux(found[0], is_known=is_known)
        return applied_by_argo(found[0])


def _is_its_own(state: TargetState, origin: Origin) -> bool:
    """Tell whether a target is what delivers, and is known to be rendered as it was applied."""
    flux = state.target.flux if state.target is not None else None
    where = origin.namespace, origin.name
    return flux is not None and bool(flux.digest) and (flux.namespace, flux.name) == where
