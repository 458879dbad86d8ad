"""Have the API server decide on one object: what it makes of Git's in a dry run, and what then.

Usable without the operator: ``confirm`` needs a client and what was read of the cluster.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import orjson

from leadsman.compare.access import mapping
from leadsman.compare.dryrun import Answer
from leadsman.compare.ignore import covering
from leadsman.compare.judge import judge
from leadsman.compare.kinds.nodes import Origin
from leadsman.compare.owners.ownership import Ownership
from leadsman.compare.refusal import Because, Refusal, named, read_refusal
from leadsman.errors import KubeError
from leadsman.kube.dryrun import body_of, dry_apply, dry_create, dry_patch
from leadsman.model.finding import DRIFTED_STATES, Finding, State

if TYPE_CHECKING:
    from collections.abc import Sequence

    from leadsman.compare.kinds.schema import Schema
    from leadsman.compare.owners.evidence import Evidence
    from leadsman.compare.policy import Policy
    from leadsman.kube.client import Client
    from leadsman.kube.discovery import ApiResource
    from leadsman.model.desired import DesiredObject
    from leadsman.model.identity import Gvk
    from leadsman.model.json import JsonObject

# The reason where live is not what it was when it was read.
OUTDATED = "Outdated"
# In whose name the API server is asked about what no known tool has delivered.
_OWN_NAME = "leadsman"
_ADMISSION = "admissionregistration.k8s.io"
_REQUEST = ("certificates.k8s.io", "CertificateSigningRequest")
# Characters of a refusal that are told: one may quote a whole object, and a report cuts at 512.
_TOLD = 400


@dataclass(frozen=True, slots=True)
class Confirmed:
    """What came of asking.

    ``outcome`` is a word for metrics: ``accepted``, ``rejected``, ``refused`` (about who asks,
    so that ``finding`` is the local verdict), ``undecided`` (admission cannot be asked) or
    ``unasked``. ``message`` is what the API server said if it refused. ``passing``: asking again
    may go better although nothing of the object changes. ``caution`` may be shown: why an object
    that is in sync would not be taken again.
    """

    finding: Finding | None
    outcome: str
    message: str = ""
    passing: bool = False
    caution: str = ""


def is_askable(gvk: Gvk, resource: ApiResource) -> bool:
    """Tell whether the API server is ever asked about a kind.

    Not about admission policies and their bindings, on which no policy is ever evaluated: who
    could write them could remove the fence that makes dry runs harmless. And not about requests for
    certificates, of which an update changes nothing, so that the answer is always what is live
    (``csrStrategy.PrepareForUpdate`` in ``pkg/registry/certificates/certificates/strategy.go``).
    """
    is_policy = gvk.group == _ADMISSION and "Policy" in gvk.kind
    is_request = (gvk.group, gvk.kind) == _REQUEST
    return not (is_policy or is_request) and "patch" in resource.verbs


async def confirm(  # noqa: PLR0913 - what is known of one object
    client: Client,
    resource: ApiResource,
    desired: DesiredObject,
    live: JsonObject | None,
    schema: Schema | None,
    policy: Policy,
    local: Finding | None,
    *,
    evidence: Sequence[Evidence] = (),
    scaler: str = "",
) -> Confirmed:
    """Ask the API server about one object by server-side apply with ``dryRun=All``.

    ``live`` is the object as it was just read from ``resource`` in the desired version, None if
    there is none; ``local`` is what ``judge`` says of the two by that ``evidence`` and ``scaler``.
    Sends one request, one or two more after a refusal, nothing where nothing may be asked.

    Raises:
        KubeError: it could not be asked, or live has changed meanwhile (``Outdated``): read it
            again and ask again.
        CompareError: as for ``judge``.

    """
    question = _Question(client, resource, desired, live, schema, policy, local, evidence, scaler)
    if not question.is_open():
        return Confirmed(local, "unasked")
    return await question.put()


@dataclass(slots=True)
class _Question:
    client: Client
    resource: ApiResource
    desired: DesiredObject
    live: JsonObject | None
    schema: Schema | None
    policy: Policy
    local: Finding | None
    evidence: Sequence[Evidence]
    scaler: str
    wanted: JsonObject | None = None

    def is_open(self) -> bool:
        """Tell whether the answer could make a difference."""
        desired = self.desired
        if not is_askable(desired.gvk, self.resource):
            return False
        if self.local is not None and self.local.state is State.UNVERIFIABLE:
            return False
        wanted = orjson.loads(desired.body)
        if not isinstance(wanted, dict):
            return False
        self.wanted = wanted
        metadata = mapping(wanted.get("metadata"))
        return covering(self.policy.rules, desired.key, desired.gvk, metadata) is None

    async def put(self) -> Confirmed:
        manager = ""
        if self.live is not None:
            manager = self.policy.trust.deliverer(Ownership(self.live).entries)
        manager = manager or self.policy.trust.delivery or _OWN_NAME
        body = body_of(self.wanted or {}, self.resource, self.desired.key.namespace)
        try:
            merged = await dry_apply(self.client, self._path, body, manager)
        except KubeError as error:
            refusal = self._read(error)
            if refusal.because is Because.FORM and not self._applies(manager):
                return await self._otherwise(body, manager)
            return await self._refused(refusal, error, body, manager)
        return self._accepted(merged, manager)

    @property
    def _path(self) -> str:
        key = self.desired.key
        return self.resource.path(key.namespace, key.name)

    def _applies(self, manager: str) -> bool:
        """Tell whether delivery is by server-side apply, which refuses what others take."""
        return self.live is not None and any(
            entry.manager == manager and entry.operation == "Apply"
            for entry in Ownership(self.live).entries
        )

    def _read(self, error: KubeError) -> Refusal:
        return read_refusal(error.status, error.reason, error.message, is_new=self.live is None)

    async def _otherwise(self, body: JsonObject, manager: str) -> Confirmed:
        """Ask as client-side tools do, for what server-side apply cannot say.

        Such as two variables of one name, or a field that the API server would drop.
        """
        is_go = self.schema is not None and self.schema.root.origin is Origin.GO
        try:
            if self.live is None:
                collection = self.resource.path(self.desired.key.namespace)
                merged = await dry_create(self.client, collection, body, manager)
            else:
                merged = await dry_patch(self.client, self._path, body, manager, strategic=is_go)
        except KubeError as error:
            return await self._refused(self._read(error), error, body, manager)
        return self._accepted(merged, "")

    def _accepted(self, merged: JsonObject, manager: str) -> Confirmed:
        live = self.live
        if live is None:
            if mapping(merged.get("metadata")).get("resourceVersion"):
                raise self._outdated()
            return Confirmed(self.local, "accepted")
        if _version(merged) != _version(live):
            raise self._outdated()
        answer = Answer(merged, manager)
        finding = judge(
            self.desired,
            live,
            self.schema,
            self.policy,
            self.evidence,
            answer=answer,
            scaler=self.scaler,
        )
        return Confirmed(finding, "accepted")

    async def _refused(
        self, refusal: Refusal, error: KubeError, body: JsonObject, manager: str
    ) -> Confirmed:
        match refusal.because:
            case Because.AGAIN:
                raise error
            case Because.ASKER | Because.NEEDS:
                return Confirmed(self.local, "refused", error.message)
            case Because.ADMISSION:
                return self._undecided(refusal, error)
        is_bad = self.live is None or refusal.because is Because.FORM
        if not is_bad and not await self._is_bad(refusal, body, manager):
            finding = self._stuck(refusal, error) if self._differs else self.local
            caution = "" if self._differs else self._told(error)
            return Confirmed(finding, "rejected", error.message, caution=caution)
        told = self._told(error)
        changes = self.local.changes if self.local is not None else ()
        finding = self._finding(State.REJECTED, refusal.reason, told)
        return Confirmed(replace(finding, changes=changes), "rejected", error.message)

    @property
    def _differs(self) -> bool:
        return (
            self.live is not None and self.local is not None and self.local.state in DRIFTED_STATES
        )

    async def _is_bad(self, refusal: Refusal, body: JsonObject, manager: str) -> bool:
        """Tell whether Git's object is refused for itself, whatever is live.

        To create it is refused because it is there only after it was found to be good.
        """
        if refusal.because is Because.LIMITS:
            return False
        collection = self.resource.path(self.desired.key.namespace)
        try:
            await dry_create(self.client, collection, body, manager)
        except KubeError as error:
            refusal = read_refusal(error.status, error.reason, error.message, is_new=True)
            if error.reason == "AlreadyExists" or refusal.because is Because.ASKER:
                return False
            if refusal.because is Because.AGAIN:
                raise
            return refusal.because is Because.OBJECT
        return False

    def _stuck(self, refusal: Refusal, error: KubeError) -> Finding | None:
        """Return what has drifted, with the word that delivery cannot bring it back.

        As where somebody has made a Job anew: what cannot be changed is no less drift.
        """
        if self.local is None:
            return None
        message = f"the API server refuses to change it to what Git says: {self._told(error)}"
        if self.local.message:
            message = f"{self.local.message}; {message}"
        return replace(self.local, reason=refusal.reason, message=message)

    def _undecided(self, refusal: Refusal, error: KubeError) -> Confirmed:
        """Leave open what differs: only admission could tell whether that is its own doing."""
        passing = refusal.reason != "DryRunUnsupported"
        if not self._differs or self.local is None:
            return Confirmed(self.local, "undecided", error.message, passing=passing)
        finding = self._finding(State.UNVERIFIABLE, refusal.reason, self._told(error))
        finding = replace(finding, changes=self.local.changes)
        return Confirmed(finding, "undecided", error.message, passing=passing)

    def _told(self, error: KubeError) -> str:
        """Return the API server's words, as far as they may be shown and are of use."""
        message = " ".join(error.message.split())
        if self.desired.gvk.kind == "Secret" or any(
            secret in message for secret in self.policy.secrets
        ):
            who = named(message) or "the API server"
            return f"{who} refuses it; its words may hold what is secret, and are not shown"
        if len(message) <= _TOLD:
            return message
        half = _TOLD // 2
        cut = f"{message[:half]} [...] {message[-half:]}"
        who = named(message)
        return cut if who in cut else f"{who}: {cut}"

    def _finding(self, state: State, reason: str, message: str) -> Finding:
        desired, local = self.desired, self.local
        return Finding(
            key=desired.key,
            gvk=desired.gvk,
            state=state,
            ignored=local.ignored if local is not None else (),
            excused=local.excused if local is not None else (),
            reason=reason or "Refused",
            message=message,
            file=desired.file,
        )

    def _outdated(self) -> KubeError:
        return KubeError(OUTDATED, f"{self.desired.key} has changed while it was asked about")


def _version(document: JsonObject) -> str:
    return str(mapping(document.get("metadata")).get("resourceVersion", ""))
