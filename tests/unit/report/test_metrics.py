from __future__ import annotations

import re
import time
from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client.openmetrics.parser import (
    text_string_to_metric_families as parse_openmetrics,
)
from prometheus_client.parser import text_string_to_metric_families as parse_text

from leadsman import __version__
from leadsman.model.finding import State
from leadsman.model.identity import ObjectKey, TargetKey
from leadsman.model.status import TargetStatus, Verdict
from leadsman.report.metrics import Instruments, StatusCollector, _fair_share
from unit.report.samples import COMMIT, FAILURE, NOW, finding, status

if TYPE_CHECKING:
    from collections.abc import Iterable

OPENMETRICS = "application/openmetrics-text; version=1.0.0"
TARGET = {"target_kind": "DriftCheck", "target_namespace": "flux", "target_name": "shop"}

Samples = dict[tuple[str, frozenset[tuple[str, str]]], float]


def scrape(statuses: Iterable[TargetStatus], limit: int = 5000) -> Samples:
    """All samples, by name and labels; none may be there twice."""
    instruments = Instruments()
    instruments.registry.register(StatusCollector(lambda: statuses, object_series=limit))
    body, _ = instruments.exposition()
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
    statuses = [status(finding())]
    instruments = Instruments()
    instruments.registry.register(StatusCollector(lambda: statuses))
    assert b'target_name="shop"' in instruments.exposition()[0]
    statuses.clear()
    assert b"target_name=" not in instruments.exposition()[0]


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


def test_instruments_count_and_time() -> None:
    instruments = Instruments()
    instruments.staged("render", 0.2)
    instruments.requested("PATCH", "driftreports/status", "200", 0.01)
    instruments.watch_restarted("apps/v1/deployments", "Gone")
    instruments.fetched("unchanged")
    instruments.rendered("Helm", "cached")
    instruments.reported("written")
    instruments.emitted("DriftDetected")
    instruments.comparisons.inc(3)
    instruments.detection_latency.observe(0.03)
    instruments.queue_wait.observe(0.5)
    instruments.queue_depth.set_function(lambda: 4)
    value = instruments.registry.get_sample_value
    assert value("leadsman_stage_duration_seconds_count", {"stage": "render"}) == 1
    request = {"verb": "PATCH", "resource": "driftreports/status", "code": "200"}
    assert value("leadsman_api_requests_total", request) == 1
    assert value("leadsman_api_request_duration_seconds_count", {"verb": "PATCH"}) == 1
    restart = {"resource": "apps/v1/deployments", "reason": "Gone"}
    assert value("leadsman_watch_restarts_total", restart) == 1
    assert value("leadsman_fetches_total", {"outcome": "unchanged"}) == 1
    assert value("leadsman_renders_total", {"renderer": "Helm", "outcome": "cached"}) == 1
    assert value("leadsman_report_writes_total", {"outcome": "written"}) == 1
    assert value("leadsman_events_emitted_total", {"reason": "DriftDetected"}) == 1
    assert value("leadsman_comparisons_total") == 3
    assert value("leadsman_detection_latency_seconds_bucket", {"le": "0.05"}) == 1
    assert value("leadsman_detection_latency_seconds_bucket", {"le": "0.025"}) == 0
    assert value("leadsman_queue_wait_seconds_sum") == 0.5
    assert value("leadsman_queue_depth") == 4


def _whole() -> Instruments:
    instruments = Instruments()
    instruments.staged("render", 0.2)
    instruments.requested("PATCH", "driftreports/status", "200", 0.01)
    instruments.fetched("unchanged")
    instruments.registry.register(
        StatusCollector(lambda: [status(finding(), failure=FAILURE, suspended_since=NOW)])
    )
    return instruments


@pytest.mark.parametrize(
    ("accept", "content_type"),
    [
        ("", "text/plain; version=0.0.4; charset=utf-8"),
        ("*/*", "text/plain; version=0.0.4; charset=utf-8"),
        (f"{OPENMETRICS},text/plain;q=0.5", "application/openmetrics-text; version=1.0.0"),
    ],
)
def test_the_format_is_the_one_asked_for(accept: str, content_type: str) -> None:
    body, given_type = _whole().exposition(accept)
    assert given_type.startswith(content_type)
    # The parsers are strict about names, types, duplicates and the closing line.
    parse = parse_openmetrics if "openmetrics" in given_type else parse_text
    families = {family.name: family for family in parse(body.decode())}
    assert "leadsman_target_objects" in families
    build = families["leadsman_build_info"].samples[0]
    assert build.labels["version"] == __version__
    assert "process_resident_memory_bytes" in families


def test_names_and_help_follow_the_conventions() -> None:
    """The rules of ``promtool check metrics``."""
    for family in parse_text(_whole().exposition()[0].decode()):
        if not family.name.startswith("leadsman_"):
            continue
        assert re.fullmatch(r"[a-z][a-z0-9_]*[a-z0-9]", family.name)
        assert family.documentation.endswith(".")
        suffixes = {sample.name.removeprefix(family.name) for sample in family.samples}
        if family.type == "counter":
            assert suffixes <= {"_total"}
        else:
            assert not family.name.endswith(("_total", "_count", "_sum", "_bucket"))
        if family.type == "histogram":
            assert family.name.endswith("_seconds")
        assert not re.search(r"_(ms|millis|minutes|hours|kb|mb|gauge|counter)(_|$)", family.name)


def test_two_operators_in_one_process_do_not_share() -> None:
    first, second = Instruments(), Instruments()
    first.comparisons.inc()
    assert second.registry.get_sample_value("leadsman_comparisons_total") == 0


def test_a_thousand_targets_with_five_thousand_drifted_objects_are_told_at_once() -> None:
    findings = [finding(f"some-application-{number}") for number in range(5)]
    statuses = [
        status(*findings, key=TargetKey("DriftCheck", "flux", f"target-{number}"))
        for number in range(1000)
    ]
    instruments = Instruments()
    instruments.registry.register(StatusCollector(lambda: statuses))
    started = time.process_time()
    body, _ = instruments.exposition()
    # Some 0.12 s; the rest is room for a busy machine.
    assert time.process_time() - started < 0.6
    assert body.count(b"\nleadsman_object_drifted{") == 5000
