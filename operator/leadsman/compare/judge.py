"""The verdict on one object: from what Git wants and what lives to a finding."""

from __future__ import annotations

import hashlib
from dataclasses import asdict, dataclass, field, replace
from typing import TYPE_CHECKING

import orjson

from leadsman.compare.access import mapping
from leadsman.compare.additions import Additions
from leadsman.compare.candidate import Candidate
from leadsman.compare.dryrun import DryRun
from leadsman.compare.evidence import Witness
from leadsman.compare.ignore import Rule, compile_rules, covering, sift
from leadsman.compare.implied import with_implied
from leadsman.compare.managers import Trust
from leadsman.compare.mask import Mask
from leadsman.compare.nodes import UNKNOWN, Origin
from leadsman.compare.normalize import normalize
from leadsman.compare.ownership import Ownership
from leadsman.compare.paths import field_path, pointer
from leadsman.compare.walk import differences
from leadsman.errors import CompareError
from leadsman.model.finding import (
    DRIFT_CAUSES,
    Cause,
    Change,
    Finding,
    IgnoredChange,
    Op,
    State,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from leadsman.compare.dryrun import Answer
    from leadsman.compare.evidence import Evidence
    from leadsman.compare.schema import Schema
    from leadsman.compare.walk import Difference
    from leadsman.model.desired import DesiredObject
    from leadsman.model.json import JsonObject
    from leadsman.model.target import Target

# The rule that a target's `compare.added: Ignore` is.
ADDED_IGNORED = "compare.added: Ignore"


@dataclass(frozen=True, slots=True)
class Policy:
    """How a target wants its objects judged; equal digests mean equal verdicts.

    ``secrets`` are texts that come from Secrets, which may be in any object and in no finding.
    """

    trust: Trust
    rules: tuple[Rule, ...]
    report_added: bool
    digest: bytes
    secrets: frozenset[str] = field(default=frozenset(), repr=False)


def compile_policy(target: Target, secrets: frozenset[str] = frozenset()) -> Policy:
    """Compile what a target says of comparison.

    Raises SpecError for a rule that cannot be read.
    """
    said = {
        "trusted": sorted(target.trusted),
        "added": target.report_added,
        "manager": target.manager,
        "ignore": [asdict(rule) for rule in target.ignore],
    }
    text = orjson.dumps(said, option=orjson.OPT_SORT_KEYS)
    return Policy(
        trust=Trust(frozenset(target.trusted), delivery=target.manager),
        rules=compile_rules(target.ignore),
        report_added=target.report_added,
        digest=hashlib.sha256(text).digest()[:16],
        secrets=secrets,
    )


def judge(
    desired: DesiredObject,
    live: JsonObject | None,
    schema: Schema | None,
    policy: Policy,
    evidence: Sequence[Evidence] = (),
    *,
    answer: Answer | None = None,
) -> Finding | None:
    """Judge one object; None means in sync, with nothing ignored and nothing excused.

    ``live`` is the object as it was read in the desired version, None if there is none, and is not
    changed; ``schema`` None means that the API server does not describe the kind. ``evidence`` is
    what delivery is known to have sent, the last first, beside what the object itself tells.
    ``answer`` is what the API server made of a dry run on that same live object: then it decides,
    and no evidence is needed. Raises CompareError for what cannot be compared; it names the object
    and no value of it.
    """
    try:
        wanted = orjson.loads(desired.body)
        if not isinstance(wanted, dict) or not isinstance(live, dict | None):
            raise CompareError("NotAnObject", f"{desired.key} is no object", retryable=False)
        if live is None:
            return _missing(desired, wanted, policy)
        other = _incomparable(desired, live)
        return other or _compared(desired, wanted, live, schema, policy, evidence, answer)
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
            return _finding(desired, State.IN_SYNC, ignored=(IgnoredChange("", rule.name),))
    message = ""
    if desired.origin is not None:
        message = (
            f"Git has it as {desired.written.api_version}, in which the cluster does not serve it, "
            f"so it cannot be delivered: change its apiVersion to {desired.gvk.api_version}"
        )
    return _finding(desired, State.MISSING, message=message)


def _incomparable(desired: DesiredObject, live: JsonObject) -> Finding | None:
    """Refuse to compare an object that was read in another version than is wanted."""
    if desired.unconverted:
        message = (
            f"Git has it as {desired.written.api_version}, in which the cluster does not serve it; "
            f"it lives as {desired.gvk.api_version}, and {desired.unconverted}: "
            f"write it as {desired.gvk.api_version} in Git"
        )
        return _finding(desired, State.UNVERIFIABLE, reason="VersionNotServed", message=message)
    version = live.get("apiVersion")
    if not version or version == desired.gvk.api_version:
        return None
    message = f"it was read as {version}, but Git has {desired.gvk.api_version}"
    return _finding(desired, State.UNVERIFIABLE, reason="VersionMismatch", message=message)


def _compared(
    desired: DesiredObject,
    wanted: JsonObject,
    live: JsonObject,
    schema: Schema | None,
    policy: Policy,
    evidence: Sequence[Evidence],
    answer: Answer | None,
) -> Finding | None:
    node = UNKNOWN if schema is None else schema.root
    compared = normalize(wanted, live, desired.gvk)
    if desired.origin is not None:
        compared = with_implied(*compared, desired.written), compared[1]
    found = differences(*compared, node)
    if not found and answer is None:
        return None
    ownership = Ownership(live)
    if answer is None:
        witness = Witness(wanted, live, desired.gvk, node, ownership, policy.trust, evidence)
        candidates = list(_candidates(desired, found, ownership, policy, witness))
    else:
        dry_run = DryRun(
            answer,
            compared[0],
            wanted,
            live,
            node,
            gvk=desired.gvk,
            ownership=ownership,
            trust=policy.trust,
        )
        candidates = list(_candidates(desired, found, ownership, policy))
        candidates = _answered(candidates, dry_run, desired, ownership, policy)
    kept, ignored = sift(candidates, _rules(desired, wanted, policy))
    differing = []
    for candidate in kept:
        if candidate.excuse:
            ignored.append(IgnoredChange(pointer(candidate.steps), candidate.excuse))
        else:
            differing.append(candidate)
    if not differing and not ignored:
        return None
    mask = Mask(wanted, live, desired.gvk, policy.secrets)
    return _verdict(desired, differing, ignored, mask)


def _candidates(
    desired: DesiredObject,
    found: Iterable[Difference],
    ownership: Ownership,
    policy: Policy,
    witness: Witness | None = None,
) -> Iterable[Candidate]:
    additions = Additions(ownership, policy.trust, desired.gvk)
    for difference in found:
        if difference.specified:
            found_out = _specified(desired, difference, ownership, policy.trust)
            if witness is not None and not found_out.excuse:
                found_out = _witnessed(found_out, witness, difference)
            yield found_out
            continue
        for candidate in additions.judge(difference):
            yield _reported(candidate, policy)


def _reported(candidate: Candidate, policy: Policy) -> Candidate:
    """Excuse what was added live where the target does not want to know."""
    is_added = not candidate.specified and candidate.cause is Cause.LIVE
    if policy.report_added or not is_added or candidate.excuse:
        return candidate
    return Candidate(
        candidate.steps, Op.ADD, entry=candidate.entry, specified=False, excuse=ADDED_IGNORED
    )


def _answered(
    candidates: list[Candidate],
    dry_run: DryRun,
    desired: DesiredObject,
    ownership: Ownership,
    policy: Policy,
) -> list[Candidate]:
    """Let the API server's answer decide."""
    return [
        *(_reported(candidate, policy) for candidate in dry_run.reconsider(candidates)),
        *(
            _specified(desired, difference, ownership, policy.trust)
            for difference in dry_run.overlooked(candidates)
        ),
    ]


def _specified(
    desired: DesiredObject, difference: Difference, ownership: Ownership, trust: Trust
) -> Candidate:
    """Attribute a difference in what Git specifies.

    A field that was removed alone has no owner any more, unless it is one that is then written as
    null, which whoever updated it owns, or somebody applied a value of it that is not stored; one
    that was changed, or that is part of what is owned as a whole, has.
    """
    steps = difference.steps
    owners = ownership.owners(steps[: difference.owned])
    if difference.op is Op.REMOVE and difference.owned == len(steps):
        owners = [
            each
            for each in owners
            if each.exact and (each.entry.operation == "Update" or not trust.delivers(each.entry))
        ]
    else:
        owners = owners or ownership.above(
            steps, only_items=difference.field.node.origin is not Origin.UNKNOWN
        )
        if not owners and len(ownership.elsewhere) == 1:
            # Nobody else can have, in whatever words.
            owners = ownership.elsewhere
    entry = owners[0].entry if owners else None
    excuse = ""
    if entry is not None and trust.may_change(entry, field_path(steps), desired.gvk):
        excuse = f"known manager {entry.manager}"
        if entry.subresource:
            excuse += f" through {entry.subresource}"
    return Candidate(
        steps,
        difference.op,
        desired=difference.desired,
        live=difference.live,
        entry=entry,
        excuse=excuse,
    )


def _witnessed(candidate: Candidate, witness: Witness, difference: Difference) -> Candidate:
    """Name a difference as admission's work where something shows it."""
    shown = witness.explains(difference)
    if shown is None:
        return candidate
    evidence, entry = shown
    return replace(candidate, cause=Cause.ADMISSION, entry=entry, evidence=evidence)


def _rules(desired: DesiredObject, wanted: JsonObject, policy: Policy) -> list[Rule]:
    metadata = mapping(wanted.get("metadata"))
    gvks = dict.fromkeys((desired.gvk, desired.written))
    return [
        rule
        for rule in policy.rules
        if any(rule.selector.selects(desired.key, gvk, metadata) for gvk in gvks)
    ]


def _verdict(
    desired: DesiredObject,
    differing: list[Candidate],
    ignored: list[IgnoredChange],
    mask: Mask,
) -> Finding:
    """Make the finding: drift alone decides the state, what is excused is told beside it."""
    drift = [candidate for candidate in differing if candidate.cause in DRIFT_CAUSES]
    changes: list[Change] = []
    excused: list[Change] = []
    for candidate in differing:
        values = mask.values(candidate.steps, candidate.desired, candidate.live)
        told = changes if candidate.cause in DRIFT_CAUSES else excused
        told.append(candidate.change(*values))
    changes.sort(key=_place)
    excused.sort(key=_place)
    ignored.sort(key=lambda change: change.path)
    state, reason, message = State.IN_SYNC, "", ""
    if drift:
        is_modified = any(candidate.specified for candidate in drift)
        state = State.MODIFIED if is_modified else State.ADDED
    unnamed = sum(not candidate.specified and candidate.entry is None for candidate in drift)
    if unnamed:
        reason = "OwnersUnknown"
        message = (
            f"who set {unnamed} of the fields that Git does not specify cannot be told: "
            "the object's managedFields are missing or cannot be read"
        )
    return _finding(desired, state, tuple(changes), tuple(ignored), tuple(excused), reason, message)


def _place(change: Change) -> tuple[str, str]:
    return change.path, change.field


def _finding(
    desired: DesiredObject,
    state: State,
    changes: tuple[Change, ...] = (),
    ignored: tuple[IgnoredChange, ...] = (),
    excused: tuple[Change, ...] = (),
    reason: str = "",
    message: str = "",
) -> Finding:
    return Finding(
        key=desired.key,
        gvk=desired.gvk,
        state=state,
        changes=changes,
        ignored=ignored,
        excused=excused,
        reason=reason,
        message=message,
        file=desired.file,
    )
