"""How Leadsman tells how it is doing, and in which format all metrics are."""

from __future__ import annotations

import re

import pytest
from prometheus_client.openmetrics.parser import (
    text_string_to_metric_families as parse_openmetrics,
)
from prometheus_client.parser import text_string_to_metric_families as parse_text

from leadsman import __version__
from leadsman.report.own_metrics import Instruments
from leadsman.report.target_metrics import TargetMetrics
from unit.report.samples import FAILURE, NOW, finding, status

OPENMETRICS = "application/openmetrics-text; version=1.0.0"


def test_instruments_count_and_time() -> None:
    instruments = Instruments()
    instruments.staged("render", 0.2)
    instruments.requested("PATCH", "driftreports/status", "200", 0.01)
    instruments.watch_restarted("apps/v1/deployments", "Gone")
    instruments.fetched("unchanged")
    instruments.rendered("Helm", "cached")
    instruments.hooked("github", "told")
    instruments.relayed("unreachable")
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
    assert value("leadsman_hooks_total", {"forge": "github", "outcome": "told"}) == 1
    assert value("leadsman_hooks_relayed_total", {"outcome": "unreachable"}) == 1
    assert value("leadsman_report_writes_total", {"outcome": "written"}) == 1
    assert value("leadsman_events_emitted_total", {"reason": "DriftDetected"}) == 1
    assert value("leadsman_comparisons_total") == 3
    assert value("leadsman_detection_latency_seconds_bucket", {"le": "0.05"}) == 1
    assert value("leadsman_detection_latency_seconds_bucket", {"le": "0.025"}) == 0
    assert value("leadsman_queue_wait_seconds_sum") == 0.5
    assert value("leadsman_queue_depth") == 4


def _whole(accept: str = "") -> tuple[bytes, str]:
    instruments, targets = Instruments(), TargetMetrics()
    instruments.staged("render", 0.2)
    instruments.requested("PATCH", "driftreports/status", "200", 0.01)
    instruments.fetched("unchanged")
    targets.update(status(finding(), failure=FAILURE, suspended_since=NOW))
    return instruments.exposition(accept, targets.families())


@pytest.mark.parametrize(
    ("accept", "content_type"),
    [
        ("", "text/plain; version=0.0.4; charset=utf-8"),
        ("*/*", "text/plain; version=0.0.4; charset=utf-8"),
        (f"{OPENMETRICS},text/plain;q=0.5", "application/openmetrics-text; version=1.0.0"),
    ],
)
def test_the_format_is_the_one_asked_for(accept: str, content_type: str) -> None:
    body, given_type = _whole(accept)
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
    for family in parse_text(_whole()[0].decode()):
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
