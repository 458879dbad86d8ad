"""The verdict on one object: from what Git wants and what lives to a finding."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import orjson

from leadsman.compare.access import mapping
from leadsman.compare.dryrun import DryRun
from leadsman.compare.ignore import covering, sift
from leadsman.compare.kinds.nodes import UNKNOWN
from leadsman.compare.kinds.versions import SINGLE
from leadsman.compare.mask import Mask
from leadsman.compare.owners.additions import REPLICAS, Additions
from leadsman.compare.owners.attribution import attributed, witnessed
from leadsman.compare.owners.candidate import Candidate
from leadsman.compare.owners.evidence import Witness
from leadsman.compare.owners.ownership import Ownership
from leadsman.compare.owners.sent import Sent
from leadsman.compare.owners.subject import Subject
from leadsman.compare.paths import pointer
from leadsman.compare.policy import rules_for
from leadsman.compare.rewrites.implied import with_implied
from leadsman.compare.rewrites.normalize import normalize
from leadsman.compare.verdict import finding_of, unverifiable, verdict
from leadsman.compare.walk import differences
from leadsman.errors import CompareError
from leadsman.model.finding import Cause, Finding, IgnoredChange, Op, State

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from leadsman.compare.dryrun import Answer
    from leadsman.compare.kinds.schema import Schema
    from leadsman.compare.owners.evidence import Evidence
    from leadsman.compare.policy import Policy
    from leadsman.compare.walk import Difference
    from leadsman.model.desired import DesiredObject
    from leadsman.model.json import JsonObject

# The rule that a target's `compare.added: Ignore` is.
ADDED_IGNORED = "compare.added: Ignore"


def judge(  # noqa: PLR0913 - all that is known of one object
    desired: DesiredObject,
    live: JsonObject | None,
    schema: Schema | None,
    policy: Policy,
    evidence: Sequence[Evidence] = (),
    *,
    answer: Answer | None = None,
    untold: set[str] | None = None,
    scaler: str = "",
) -> Finding | None:
    """Judge one object; None means in sync, with nothing ignored and nothing excused.

    ``live`` is the object as it was read in the desired version, None if there is none, and is not
    changed; ``schema`` None means that the API server does not describe the kind. ``evidence`` is
    what delivery is known to have sent, the last first, beside what the object itself tells.
    ``answer`` is what the API server made of a dry run on that same live object: then it decides,
    and evidence is needed only of what was sent by update and is left behind. ``untold`` is given
    the managers by whose updates there is something that Git has not, of which the evidence does
    not tell whether they sent it. ``scaler`` is the autoscaler that sees to its replicas,
    "" if none is known to: who writes through ``scale`` need not be noted. Raises CompareError for
    what cannot be compared; it names the object and no value of it.
    """
    try:
        wanted = orjson.loads(desired.body)
        if not isinstance(wanted, dict) or not isinstance(live, dict | None):
            raise CompareError("NotAnObject", f"{desired.key} is no object", retryable=False)
        if live is None:
            return _missing(desired, wanted, policy)
        other = _incomparable(desired, live)
        if other is not None:
            return other
        if untold is None:
            untold = set()
        return _compared(
            desired,
            wanted,
            live,
            schema,
            policy,
            evidence,
            answer=answer,
            untold=untold,
            scaler=scaler,
        )
    except orjson.JSONDecodeError:
        reason, message = "BadDocument", "is rendered as something that is no JSON"
    except (RecursionError, orjson.JSONEncodeError):
        reason, message = "TooDeep", "is nested too deeply to be compared"
    # Not chained: what was caught may hold the document.
    raise CompareError(reason, f"{desired.key} {message}", retryable=False)


def _missing(desired: DesiredObject, wanted: JsonObject, policy: Policy) -> Finding:
    """Judge an object that does not live."""
    metadata = mapping(wanted.get("metadata"))
    for gvk in dict.fromkeys((desired.gvk, desired.written)):
        rule = covering(policy.rules, desired.key, gvk, metadata)
        if rule is not None:
            return finding_of(desired, State.IN_SYNC, ignored=(IgnoredChange("", rule.name),))
    message = ""
    if desired.origin is not None:
        message = (
            f"Git has it as {desired.written.api_version}, in which the cluster does not serve it, "
            f"so it cannot be delivered: change its apiVersion to {desired.gvk.api_version}"
        )
    return finding_of(desired, State.MISSING, message=message)


def _incomparable(desired: DesiredObject, live: JsonObject) -> Finding | None:
    """Refuse to compare an object that was read in another version than is wanted."""
    if desired.unconverted:
        message = (
            f"Git has it as {desired.written.api_version}, in which the cluster does not serve it; "
            f"it lives as {desired.gvk.api_version}, and {desired.unconverted}: "
            f"write it as {desired.gvk.api_version} in Git"
        )
        return unverifiable(desired, "VersionNotServed", message)
    version = live.get("apiVersion")
    if not version or version == desired.gvk.api_version:
        return None
    message = f"it was read as {version}, but Git has {desired.gvk.api_version}"
    return unverifiable(desired, "VersionMismatch", message)


def _compared(  # noqa: PLR0913 - all that is known of one object
    desired: DesiredObject,
    wanted: JsonObject,
    live: JsonObject,
    schema: Schema | None,
    policy: Policy,
    evidence: Sequence[Evidence],
    *,
    answer: Answer | None,
    untold: set[str],
    scaler: str,
) -> Finding | None:
    node = UNKNOWN if schema is None else schema.root
    versions = SINGLE if schema is None else schema.versions
    compared = normalize(wanted, live, desired.gvk)
    compared = versions.storable(compared[0], live), compared[1]
    if desired.origin is not None:
        compared = with_implied(*compared, desired.written), compared[1]
    found = differences(*compared, node)
    if not found and answer is None:
        return None
    ownership = Ownership(live, node, versions)
    trust = policy.trust.facing(ownership.entries)
    subject = Subject(wanted, live, desired.gvk, node, ownership, trust)
    sent = Sent(subject, evidence)
    judging = _Judging(desired, subject, sent, policy.report_added)
    if answer is None:
        candidates = list(judging.candidates(found, Witness(subject, evidence)))
    else:
        dry_run = DryRun(answer, compared[0], subject)
        candidates = judging.answered(list(judging.candidates(found)), dry_run)
    untold |= sent.untold
    kept, ignored = sift(candidates, rules_for(desired, wanted, policy))
    differing = []
    for candidate in kept:
        is_unnoted = candidate.steps == REPLICAS and candidate.entry is None
        excuse = scaler if scaler and is_unnoted else candidate.excuse
        if excuse:
            ignored.append(IgnoredChange(pointer(candidate.steps), excuse))
        else:
            differing.append(candidate)
    if not differing and not ignored:
        return None
    mask = Mask(wanted, live, desired.gvk, policy.secrets)
    return verdict(desired, differing, ignored, mask)


@dataclass(frozen=True, slots=True)
class _Judging:
    """What the differences of one object are judged by."""

    desired: DesiredObject
    subject: Subject
    sent: Sent
    report_added: bool

    def candidates(
        self, found: Iterable[Difference], witness: Witness | None = None
    ) -> Iterable[Candidate]:
        """Judge each difference for itself."""
        additions = Additions(self.subject, self.sent)
        for difference in found:
            if difference.specified:
                candidate = self._attributed(difference)
                if witness is not None and not candidate.excuse:
                    candidate = witnessed(candidate, witness, difference)
                yield candidate
                continue
            for candidate in additions.judge(difference):
                yield self._reported(candidate)

    def answered(self, candidates: list[Candidate], dry_run: DryRun) -> list[Candidate]:
        """Let the API server's answer decide."""
        return [
            *map(self._reported, dry_run.reconsider(candidates)),
            *map(self._attributed, dry_run.overlooked(candidates)),
        ]

    def _attributed(self, difference: Difference) -> Candidate:
        subject = self.subject
        candidate = attributed(self.desired, difference, subject.ownership, subject.trust)
        return self.sent.dropped(candidate, difference)

    def _reported(self, candidate: Candidate) -> Candidate:
        """Excuse what was added live where the target does not want to know."""
        is_added = not candidate.specified and candidate.cause is Cause.LIVE
        if self.report_added or not is_added or candidate.excuse:
            return candidate
        return Candidate(
            candidate.steps, Op.ADD, entry=candidate.entry, specified=False, excuse=ADDED_IGNORED
        )
