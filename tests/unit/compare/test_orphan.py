from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from leadsman.compare.orphan import judge_orphan
from leadsman.model.finding import State
from leadsman.model.identity import Gvk, ObjectKey
from leadsman.model.target import IgnoreRule, ObjectSelector
from unit.compare.samples import policy

if TYPE_CHECKING:
    from leadsman.model.finding import Finding
    from leadsman.model.json import JsonObject

KEY = ObjectKey("", "ConfigMap", "shop", "old")
GVK = Gvk("", "v1", "ConfigMap")


def judged(*rules: IgnoreRule, **metadata: JsonObject) -> Finding:
    return judge_orphan(KEY, GVK, {"metadata": metadata}, policy(ignore=rules))


def test_what_git_has_dropped_and_lives_is_orphaned() -> None:
    finding = judged()
    assert (finding.state, finding.key, finding.ignored) == (State.ORPHANED, KEY, ())


def test_a_rule_for_the_whole_object_ignores_it_and_is_named() -> None:
    rule = IgnoreRule(paths=("",), target=ObjectSelector(name="old", label_selector="keep=yes"))
    finding = judged(rule, labels={"keep": "yes"})
    assert finding.state is State.IN_SYNC
    assert [(one.path, one.rule) for one in finding.ignored] == [("", "ignore[0]")]
    assert judged(rule, labels={"keep": "no"}).state is State.ORPHANED


@pytest.mark.parametrize(
    "rule",
    [
        IgnoreRule(paths=("/data",)),
        IgnoreRule(paths=("",), managers=("kubectl-edit",)),
        IgnoreRule(paths=("",), target=ObjectSelector(kind="Secret")),
    ],
)
def test_a_rule_that_is_about_something_else_ignores_nothing(rule: IgnoreRule) -> None:
    assert judged(rule).state is State.ORPHANED


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("helm.sh/resource-policy", "keep"),
        ("kustomize.toolkit.fluxcd.io/prune", "disabled"),
        ("argocd.argoproj.io/sync-options", "Validate=false, Prune=false"),
    ],
)
def test_what_is_kept_on_purpose_is_no_drift(name: str, value: str) -> None:
    finding = judged(annotations={name: value})
    assert finding.state is State.IN_SYNC
    assert finding.ignored[0].rule.startswith(f"annotation {name}: ")
    assert judged(annotations={name: "something else"}).state is State.ORPHANED
