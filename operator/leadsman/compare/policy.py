"""What a target says of comparison: whom it trusts, what it ignores, whether additions count."""

from __future__ import annotations

import hashlib
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING

import orjson

from leadsman.compare.access import mapping
from leadsman.compare.ignore import Rule, compile_rules
from leadsman.compare.owners.managers import Trust

if TYPE_CHECKING:
    from leadsman.model.desired import DesiredObject
    from leadsman.model.json import JsonObject
    from leadsman.model.target import Target


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


def rules_for(desired: DesiredObject, wanted: JsonObject, policy: Policy) -> list[Rule]:
    """Return the rules that select an object, in the version of Git or in that it lives in."""
    metadata = mapping(wanted.get("metadata"))
    gvks = dict.fromkeys((desired.gvk, desired.written))
    return [
        rule
        for rule in policy.rules
        if any(rule.selector.selects(desired.key, gvk, metadata) for gvk in gvks)
    ]
