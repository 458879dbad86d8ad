"""Rules take out what they name, nothing else, and are named for it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from leadsman.compare.ignore import compile_rules
from leadsman.errors import SpecError
from leadsman.model.finding import State
from leadsman.model.target import IgnoreRule, ObjectSelector
from unit.compare.samples import DELIVERED, deployment, entry, owned, served, verdict, widget

if TYPE_CHECKING:
    from leadsman.model.finding import Finding


def rule(*paths: str, managers: tuple[str, ...] = (), **target: str) -> IgnoreRule:
    return IgnoreRule(paths, ObjectSelector(**target), managers, origin="spec.compare.ignore[0]")


def judged(git: Any, live: Any, *rules: IgnoreRule) -> Finding | None:
    return verdict(git, live, ignore=rules)


def places(finding: Finding | None) -> tuple[list[str], list[str]]:
    """Return what counts and what is ignored."""
    if finding is None:
        return [], []
    return [change.path for change in finding.changes], [i.path for i in finding.ignored]


_GIT = widget({"size": 1, "values": {"a": 1, "b/c": {"d": 1}, "l": [1, 2]}}, labels={"app": "web"})
_LIVE = owned(
    widget({"size": 2, "values": {"a": 2, "b/c": {"d": 2}, "l": [1, 3]}}, labels={"app": "web"}),
    entry("kubectl-edit", {"f:spec": {"f:size": {}, "f:values": {"f:a": {}}}}),
    entry("operator", {"f:spec": {"f:values": {"f:b/c": {"f:d": {}}}}}),
)
_ALL = ["/spec/size", "/spec/values/a", "/spec/values/b~1c/d", "/spec/values/l/1"]


def test_what_is_named_is_ignored_by_name() -> None:
    finding = judged(_GIT, _LIVE, rule("/spec/size"))
    assert places(finding) == (_ALL[1:], ["/spec/size"])
    assert finding is not None
    assert finding.state is State.MODIFIED
    assert finding.ignored[0].rule == "spec.compare.ignore[0]"


@pytest.mark.parametrize(
    ("path", "ignored"),
    [
        ("/spec", _ALL),
        ("/spec/values", _ALL[1:]),
        ("/spec/*", _ALL),
        ("/spec/values/*", _ALL[1:]),
        ("/spec/*/a", ["/spec/values/a"]),
        ("/*/values/b~1c/*", ["/spec/values/b~1c/d"]),
        ("/spec/values/l/*", ["/spec/values/l/1"]),
        ("/spec/values/l/1", ["/spec/values/l/1"]),
        ("", _ALL),
        ("/spec/siz", []),
        ("/spec/size/x", []),
        ("/spec/values/b", []),
        ("/*", _ALL),
    ],
)
def test_pointers(path: str, ignored: list[str]) -> None:
    kept = [place for place in _ALL if place not in ignored]
    assert places(judged(_GIT, _LIVE, rule(path))) == (kept, ignored)


def test_what_is_in_sync_but_for_rules_says_so() -> None:
    finding = judged(_GIT, _LIVE, rule("/spec/size"), rule("/spec/values"))
    assert finding is not None
    assert finding.state is State.IN_SYNC
    assert finding.changes == ()
    assert len(finding.ignored) == len(_ALL)


@pytest.mark.parametrize(
    "target",
    [
        {},
        {"kind": "Widget"},
        {"kind": "W.*", "group": r".*\.com", "version": "v1", "name": "w", "namespace": "sh.p"},
        {"label_selector": "app=web"},
        {"label_selector": "app in (web),!x"},
        {"annotation_selector": "!x"},
    ],
)
def test_a_target_that_selects(target: dict[str, Any]) -> None:
    assert places(judged(_GIT, _LIVE, rule("/spec", **target))) == ([], _ALL)


@pytest.mark.parametrize(
    "target",
    [
        {"kind": "Widge"},
        {"kind": "idget"},
        {"group": "example"},
        {"name": "ww|x"},
        {"namespace": "shopping"},
        {"version": "v1beta1"},
        {"label_selector": "app=api"},
        {"annotation_selector": "x"},
        {"kind": "Widget", "label_selector": "x"},
    ],
)
def test_a_target_that_does_not_select(target: dict[str, Any]) -> None:
    assert places(judged(_GIT, _LIVE, rule("/spec", **target))) == (_ALL, [])


def test_managers() -> None:
    by_operator = rule("/spec", managers=("operator",))
    assert places(judged(_GIT, _LIVE, by_operator))[1] == ["/spec/values/b~1c/d"]
    # Without paths: everything that one of them set.
    everything = rule(managers=("operator", "kubectl-edit"))
    assert places(judged(_GIT, _LIVE, everything))[1] == _ALL[:3]
    assert places(judged(_GIT, _LIVE, rule("/spec/size", managers=("operator",))))[1] == []


def test_part_of_what_was_added_as_a_whole() -> None:
    fields: Any = {"f:spec": {"f:limits": {"f:cpu": {}, "f:burst": {}}}}
    limits = {"cpu": "9", "burst": True}
    live = owned(widget({"limits": limits}), DELIVERED, entry("kubectl-edit", fields))
    assert places(judged(widget({}), live, rule("/spec/limits/cpu"))) == (
        ["/spec/limits/burst"],
        ["/spec/limits/cpu"],
    )
    live = owned(
        widget({"values": {"a": {"b": 1, "c": [{"d": 2}, 3]}}}),
        entry("kubectl-edit", {"f:spec": {"f:values": {"f:a": {".": {}}}}}),
    )
    git = widget({"values": {}})
    assert places(judged(git, live, rule("/spec/values/a/c/0/d"))) == (
        ["/spec/values/a/b", "/spec/values/a/c/1"],
        ["/spec/values/a/c/0/d"],
    )
    # What names nothing in it takes nothing apart.
    assert places(judged(git, live, rule("/spec/values/a/x"))) == (["/spec/values/a"], [])


def test_part_of_what_was_removed_as_a_whole() -> None:
    git, live = deployment(), served(deployment())
    git["spec"]["template"]["spec"]["containers"][0]["resources"] = {
        "limits": {"cpu": "1", "memory": "1Gi"}
    }
    path = "/spec/template/spec/containers/0/resources/limits"
    assert places(judged(git, live, rule(f"{path}/cpu"))) == ([f"{path}/memory"], [f"{path}/cpu"])


def test_only_the_whole_object_is_ignored_when_it_is_missing() -> None:
    missing = judged(_GIT, None, rule("/spec"), rule(managers=("x",)))
    assert missing is not None
    assert missing.state is State.MISSING
    finding = judged(_GIT, None, rule(""))
    assert finding is not None
    assert finding.state is State.IN_SYNC
    assert [(i.path, i.rule) for i in finding.ignored] == [("", "spec.compare.ignore[0]")]


def test_a_rule_without_origin_still_has_a_name() -> None:
    (compiled,) = compile_rules([IgnoreRule(paths=("/a",))])
    assert compiled.name == "ignore[0]"


def test_a_rule_without_paths_and_managers_ignores_nothing() -> None:
    assert places(judged(_GIT, _LIVE, rule())) == (_ALL, [])


@pytest.mark.parametrize(
    ("broken", "message"),
    [
        (rule("spec/replicas"), 'x.paths[0]: "spec/replicas" is no JSON pointer'),
        (rule("/a", "/b~2"), 'x.paths[1]: "/b~2" is no JSON pointer'),
        (rule("/a~"), 'x.paths[0]: "/a~" is no JSON pointer'),
        (rule("/a", name="("), 'x.target.name: "(" is no regular expression'),
        (rule("/a", label_selector="a b"), 'x.target.labelSelector: "a b" is no label selector'),
        (rule("/a", annotation_selector=","), "x.target.annotationSelector"),
    ],
)
def test_what_cannot_be_read_is_an_error_that_says_where(broken: IgnoreRule, message: str) -> None:
    named = IgnoreRule(broken.paths, broken.target, broken.managers, origin="x")
    with pytest.raises(SpecError) as caught:
        compile_rules([named])
    assert message in caught.value.message
