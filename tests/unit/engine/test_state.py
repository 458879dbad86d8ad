from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from leadsman.compare.policy import compile_policy
from leadsman.model.finding import State, Summary, Unlisted
from leadsman.model.identity import Gvk
from leadsman.model.source import LocalSource
from leadsman.model.status import TargetStatus, Verdict
from leadsman.model.target import Target
from unit.engine.samples import CONFIG_MAP, desired, finding, key, rendered, target_state


def test_a_first_render_leaves_everything_to_be_judged() -> None:
    state = target_state()
    assert state.install(rendered(desired("a"), desired("b")), rejudge=False) == {
        key("a"),
        key("b"),
    }
    assert state.pending == {key("a"), key("b")}


def test_only_what_a_commit_touched_is_judged_again() -> None:
    state = target_state()
    state.install(rendered(desired("a"), desired("b"), desired("c")), rejudge=False)
    for name in "abc":
        state.versions[key(name)] = "1"
        state.record(key(name), None, 1.0)
    changed = state.install(
        rendered(desired("a"), desired("b", "new"), desired("d")), rejudge=False
    )
    # c was dropped and lives: an orphan, to be looked at as well.
    assert changed == {key("b"), key("d"), key("c")}
    assert set(state.orphans) == {key("c")}
    assert state.versions == {key("a"): "1"}


def test_an_object_read_in_another_version_is_judged_again() -> None:
    state = target_state()
    state.install(rendered(desired("a")), rejudge=False)
    state.record(key("a"), None, 1.0)
    moved = desired("a", gvk=Gvk("", "v2", "ConfigMap"))
    assert state.install(rendered(moved), rejudge=False) == {key("a")}


def test_a_dropped_object_that_does_not_live_is_forgotten() -> None:
    state = target_state()
    state.install(rendered(desired("a"), desired("b")), rejudge=False)
    state.record(key("b"), finding("b", State.MISSING), 1.0)
    state.install(rendered(desired("a")), rejudge=False)
    assert key("b") not in state.orphans
    assert key("b") not in state.findings


def test_what_lived_is_an_orphan_though_it_was_to_be_judged_anew() -> None:
    for again in (True, False):
        state = target_state()
        state.install(rendered(desired("a"), desired("b")), rejudge=False)
        state.versions[key("b")] = "1"
        if again:
            state.install(rendered(desired("a"), desired("b")), rejudge=True)
        else:
            state.reconsider(compile_policy(Target(state.key, LocalSource(Path()))))
        state.install(rendered(desired("a")), rejudge=False)
        assert set(state.orphans) == {key("b")}


def test_an_orphan_that_git_renders_again_is_no_orphan() -> None:
    state = target_state()
    state.install(rendered(desired("a"), desired("b")), rejudge=False)
    state.versions[key("b")] = "1"
    state.install(rendered(desired("a")), rejudge=False)
    assert key("b") in state.orphans
    state.install(rendered(desired("a"), desired("b")), rejudge=False)
    assert not state.orphans
    assert key("b") in state.pending


def test_drift_goes_on_though_its_fields_change() -> None:
    state = target_state()
    assert state.record(key("a"), finding("a", message="1"), 10.0)
    assert state.record(key("a"), finding("a", State.MISSING), 20.0)
    assert state.findings[key("a")].since == 10.0
    assert not state.record(key("a"), finding("a", State.MISSING), 30.0)
    assert state.record(key("a"), None, 40.0)
    assert state.record(key("a"), finding("a"), 50.0)
    assert state.findings[key("a")].since == 50.0


def test_drift_does_not_date_from_when_it_could_not_be_told() -> None:
    state = target_state()
    state.record(key("a"), finding("a", State.UNVERIFIABLE), 10.0)
    state.record(key("a"), finding("a", State.MODIFIED), 20.0)
    assert state.findings[key("a")].since == 20.0


def test_ignored_differences_are_no_drift_and_have_no_date() -> None:
    state = target_state()
    state.record(key("a"), finding("a", State.IN_SYNC), 10.0)
    assert state.findings[key("a")].since == 0.0


def test_since_survives_a_restart() -> None:
    state = target_state()
    restored = TargetStatus(
        key=state.key,
        uid="1",
        generation=1,
        verdict=Verdict.DRIFTED,
        summary=Summary({State.MODIFIED: 1}),
        findings=(
            replace(finding("a", State.MODIFIED), since=5.0),
            replace(finding("b", State.MODIFIED), since=6.0),
            replace(finding("c", State.UNVERIFIABLE), since=7.0),
            replace(finding("d", State.UNVERIFIABLE), since=8.0),
        ),
        unlisted=(Unlisted(key("e"), CONFIG_MAP, State.MODIFIED, 9.0),),
        suspended_since=3.0,
    )
    state.restore(restored)
    assert state.suspended_since == 3.0
    state.record(key("a"), finding("a"), 100.0)
    assert state.findings[key("a")].since == 5.0
    # b was mended meanwhile: when it drifts again, that is new.
    state.record(key("b"), None, 100.0)
    state.record(key("b"), finding("b"), 200.0)
    assert state.findings[key("b")].since == 200.0
    state.record(key("c"), finding("c", State.UNVERIFIABLE), 100.0)
    assert state.findings[key("c")].since == 7.0
    # d could not be compared and has drifted, as is seen now.
    state.record(key("d"), finding("d"), 100.0)
    assert state.findings[key("d")].since == 100.0
    # e had drifted; that it cannot be compared just now ends nothing.
    state.record(key("e"), finding("e", State.UNVERIFIABLE), 100.0)
    assert state.findings[key("e")].since == 100.0
    state.record(key("e"), finding("e"), 200.0)
    assert state.findings[key("e")].since == 9.0


def test_a_first_verdict_is_news_even_when_in_sync() -> None:
    state = target_state()
    state.install(rendered(desired("a")), rejudge=False)
    assert state.record(key("a"), None, 1.0)
    assert not state.record(key("a"), None, 2.0)


def test_other_rules_have_orphans_judged_again_too() -> None:
    state = target_state()
    state.install(rendered(desired("a"), desired("b")), rejudge=False)
    state.versions[key("b")] = "1"
    state.install(rendered(desired("a")), rejudge=False)
    state.record(key("b"), finding("b", State.ORPHANED), 1.0)
    assert state.install(rendered(desired("a")), rejudge=True) == {key("a"), key("b")}
