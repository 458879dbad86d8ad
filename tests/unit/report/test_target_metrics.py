from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING

from hypothesis import given
from hypothesis import strategies as st
from prometheus_client.parser import text_string_to_metric_families as parse_text

from leadsman.model.finding import State
from leadsman.model.identity import ObjectKey, TargetKey
from leadsman.model.status import TargetStatus, Verdict
from leadsman.report.own_metrics import Instruments
from leadsman.report.target_metrics import TargetMetrics, _fair_share
from unit.report.samples import COMMIT, FAILURE, NOW, finding, status

if TYPE_CHECKING:
    from collections.abc import Iterable

TARGET = {"target_kind": "DriftCheck", "target_namespace": "flux", "target_name": "shop"}

Samples = dict[tuple[str, frozenset[tuple[str, str]]], float]


def scrape(statuses: Iterable[TargetStatus], limit: int = 5000) -> Samples:
    """All samples, by name and labels; none may be there twice."""
    metrics = TargetMetrics(object_series=limit)
    for each in statuses:
        metrics.update(each)
    body, _ = Instruments().exposition(more=metrics.families())
    samples: Samples = {}
    for family in parse_text(body.decode()):
        for sample in family.samples:
            key = (sample.name, frozenset(sample.labels.items()))
            assert key not in samples
            samples[key] = sample.value
    return samples


def of(samples: Samples, name: str) -> list[tuple[dict[str, str], float]]:
    return [(dict(labels), value) for (each, labels), value in samples.items() if each == name]


def test_a_target_in_trouble_has_all_series() -> None:
    told = status(
        finding(),
        finding("db", State.MISSING),
        finding("odd", State.UNVERIFIABLE),
        failure=FAILURE,
        suspended_since=NOW - 60,
        drift_since=NOW - 30,
    )
    counted = replace(told.summary, ignored_fields=4, admission_fields=2, pending_fields=1)
    told = replace(told, summary=counted)
    samples = scrape([told])
    objects = of(samples, "leadsman_target_objects")
    assert {labels["state"]: value for labels, value in objects} == {
        "InSync": 28,
        "Modified": 1,
        "Added": 0,
        "Missing": 1,
        "Orphaned": 0,
        "Rejected": 0,
        "Unverifiable": 1,
    }
    excused = of(samples, "leadsman_target_excused_fields")
    assert {labels["cause"]: value for labels, value in excused} == {"Admission": 2, "Pending": 1}
    assert of(samples, "leadsman_target_ignored_fields") == [(TARGET, 4)]
    info = {**TARGET, "revision": COMMIT.revision, "url": "https://git.example.com/shop"}
    assert of(samples, "leadsman_target_info") == [(info, 1)]
    failing = {**TARGET, "stage": "source", "reason": "AuthenticationFailed"}
    assert of(samples, "leadsman_target_failing") == [(failing, 1)]
    for what, seconds in (("drift_started", 30), ("suspended", 60), ("checked", 0)):
        name = f"leadsman_target_{what}_timestamp_seconds"
        assert of(samples, name) == [(TARGET, NOW - seconds)]
    assert of(samples, "leadsman_target_interval_seconds") == [(TARGET, 300)]
    drifted = of(samples, "leadsman_object_drifted")
    assert sorted((labels["object_name"], labels["state"], value) for labels, value in drifted) == [
        ("db", "Missing", 1),
        ("web", "Modified", 1),
    ]
    assert drifted[0][0].keys() == {
        *TARGET,
        "object_kind",
        "object_namespace",
        "object_name",
        "state",
    }
    assert of(samples, "leadsman_object_drifted_limit") == [({}, 5000)]
    assert of(samples, "leadsman_object_drifted_omitted") == [({}, 0)]


def test_a_target_that_is_well_has_no_series_of_trouble() -> None:
    names = {name for name, _ in scrape([status()])}
    for name in (
        "leadsman_target_drift_started_timestamp_seconds",
        "leadsman_target_failing",
        "leadsman_target_suspended_timestamp_seconds",
        "leadsman_object_drifted",
    ):
        assert name not in names
    assert "leadsman_target_checked_timestamp_seconds" in names


def test_a_target_never_checked_has_no_time_of_it() -> None:
    samples = scrape([TargetStatus(status().key, "", 1, Verdict.UNKNOWN)])
    assert not of(samples, "leadsman_target_checked_timestamp_seconds")
    assert of(samples, "leadsman_target_info") == [({**TARGET, "revision": "", "url": ""}, 1)]
    # Nor an interval, while nobody knows what its spec asks for.
    assert not of(samples, "leadsman_target_interval_seconds")


def test_series_of_a_target_that_is_gone_vanish() -> None:
    metrics = TargetMetrics()
    told = status(finding())
    metrics.update(told)
    assert b'target_name="shop"' in b"".join(metrics.families())
    metrics.remove(told.key)
    assert b"target_name=" not in b"".join(metrics.families())


def test_a_target_that_goes_during_a_scrape_is_told_of_to_its_end() -> None:
    metrics = TargetMetrics()
    told = status(finding())
    metrics.update(told)
    families = metrics.families()
    text = next(families)
    metrics.remove(told.key)
    text += b"".join(families)
    for name in (b"leadsman_target_objects", b"leadsman_target_info", b"leadsman_object_drifted"):
        assert name + b"{" in text


def test_a_target_is_told_as_it_was_last() -> None:
    metrics = TargetMetrics()
    metrics.update(status(finding(), failure=FAILURE))
    metrics.update(status())
    metrics.checked(status().key, NOW + 60)
    text = b"".join(metrics.families()).decode()
    samples = {
        sample.name: sample.value for family in parse_text(text) for sample in family.samples
    }
    assert not samples.keys() & {"leadsman_object_drifted", "leadsman_target_failing"}
    assert samples["leadsman_target_checked_timestamp_seconds"] == NOW + 60


def test_what_is_no_character_is_told_as_another() -> None:
    key = ObjectKey("", "Odd", "shop", "\ud800")
    (labels, _), *_ = of(scrape([status(finding(key=key))]), "leadsman_object_drifted")
    assert labels["object_name"] == "?"


def test_kinds_of_one_name_in_two_groups_are_one_series() -> None:
    one = finding()
    other = replace(one, key=replace(one.key, group="serving.example.com"))
    samples = scrape([status(one, other)])
    assert len(of(samples, "leadsman_object_drifted")) == 1
    assert of(samples, "leadsman_object_drifted_omitted") == [({}, 0)]


def test_the_cap_is_shared_fairly_and_what_drifted_longest_stays() -> None:
    large = status(
        *(finding(f"web-{number}", State.MISSING, since=NOW - number) for number in range(100))
    )
    small = status(finding("db"), key=TargetKey("DriftCheck", "flux", "small"))
    samples = scrape([large, small], limit=11)
    drifted = [labels for labels, _ in of(samples, "leadsman_object_drifted")]
    assert Counter(labels["target_name"] for labels in drifted) == {"shop": 10, "small": 1}
    assert "web-99" in {labels["object_name"] for labels in drifted}
    assert of(samples, "leadsman_object_drifted_omitted") == [({}, 90)]


@given(st.lists(st.integers(0, 50), max_size=10), st.integers(0, 100))
def test_a_share_is_the_largest_that_fits(counts: list[int], limit: int) -> None:
    share = _fair_share(counts, limit)
    assert sum(min(count, share) for count in counts) <= limit
    if share < max(counts, default=0):
        assert sum(min(count, share + 1) for count in counts) > limit


def test_names_need_no_care() -> None:
    key = ObjectKey("", "Odd", 'a"b\\c', "line\nbreak ☸")
    (labels, _), *_ = of(scrape([status(finding(key=key))]), "leadsman_object_drifted")
    assert (labels["object_namespace"], labels["object_name"]) == ('a"b\\c', "line\nbreak ☸")


def test_a_thousand_targets_with_five_thousand_drifted_objects_are_told() -> None:
    findings = [finding(f"some-application-{number}") for number in range(5)]
    statuses = [
        status(*findings, key=TargetKey("DriftCheck", "flux", f"target-{number}"))
        for number in range(1000)
    ]
    metrics = TargetMetrics()
    for each in statuses:
        metrics.update(each)
    body = b"".join(metrics.families())
    assert body.count(b"\nleadsman_object_drifted{") == 5000
