"""The metrics by which Leadsman tells how it is doing itself."""

from __future__ import annotations

import platform
from typing import TYPE_CHECKING

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    PlatformCollector,
    ProcessCollector,
    disable_created_metrics,
)
from prometheus_client.exposition import choose_encoder

from leadsman import __version__

if TYPE_CHECKING:
    from collections.abc import Iterable

# Buckets in seconds: a live change should be reported well within one.
_LATENCY = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
_LAG = (0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1.0)
_WAIT = (0.001, 0.01, 0.1, 0.5, 1.0, 5.0, 30.0, 120.0, 600.0)
_STAGE = (0.005, 0.025, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 120.0)
_REQUEST = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0, 30.0)

# The last line in OpenMetrics.
_END = b"# EOF\n"


class Instruments:
    """What Leadsman counts and times of itself, in a registry of its own.

    The methods are hooks for the parts that they are handed to, which need not know Prometheus.
    """

    def __init__(self) -> None:
        # A "_created" beside each counter and histogram doubles the series and tells nothing.
        disable_created_metrics()  # type: ignore[no-untyped-call]  # it has no annotations
        self.registry = registry = CollectorRegistry()
        ProcessCollector(registry=registry)
        PlatformCollector(registry=registry)
        build = Gauge(
            "leadsman_build_info",
            "Always 1; the version of Leadsman and of the Python that runs it.",
            ("version", "python_version"),
            registry=registry,
        )
        build.labels(__version__, platform.python_version()).set(1)
        self._leader = Gauge(
            "leadsman_leader",
            "1 while this process works: it holds its Lease, or needs none; 0 as a standby.",
            registry=registry,
        )
        self._shard = Gauge(
            "leadsman_shard_info",
            "Always 1; which shard this process is or stands by for, and of how many.",
            ("shard", "shards"),
            registry=registry,
        )
        self._shards = Gauge(
            "leadsman_shards",
            "Among how many shards this process was told that the targets are shared.",
            registry=registry,
        )
        self._stages = Histogram(
            "leadsman_stage_duration_seconds",
            "How long a stage took for one target: source, checkout, render, compare.",
            ("stage",),
            buckets=_STAGE,
            registry=registry,
        )
        self.detection_latency = Histogram(
            "leadsman_detection_latency_seconds",
            "From receiving a live change to its being in the written DriftReport.",
            buckets=_LATENCY,
            registry=registry,
        )
        self.queue_depth = Gauge(
            "leadsman_queue_depth",
            "How many targets wait for a worker.",
            registry=registry,
        )
        self.queue_wait = Histogram(
            "leadsman_queue_wait_seconds",
            "How long a target that was due waited for a worker.",
            buckets=_WAIT,
            registry=registry,
        )
        self._loop_lag = Histogram(
            "leadsman_event_loop_lag_seconds",
            "How long what was ready had to wait for the rest: one turn of the event loop.",
            buckets=_LAG,
            registry=registry,
        )
        self._loop_busy = Histogram(
            "leadsman_event_loop_busy_seconds",
            "CPU that one turn of the event loop took, without waiting for a free core.",
            buckets=_LAG,
            registry=registry,
        )
        self.comparisons = Counter(
            "leadsman_comparisons_total",
            "How many objects were compared with Git.",
            registry=registry,
        )
        self._dry_runs = Counter(
            "leadsman_dry_runs_total",
            "Objects that the API server was asked about in DryRun mode, by what came of it.",
            ("outcome",),
            registry=registry,
        )
        self._requests = Counter(
            "leadsman_api_requests_total",
            "Requests to the API server; the code is timeout or unreachable without an answer.",
            ("verb", "resource", "code"),
            registry=registry,
        )
        self._request_durations = Histogram(
            "leadsman_api_request_duration_seconds",
            "How long the API server took to answer; of a watch until it began.",
            ("verb",),
            buckets=_REQUEST,
            registry=registry,
        )
        self._watch_restarts = Counter(
            "leadsman_watch_restarts_total",
            "Watches that had to be started again, and why.",
            ("resource", "reason"),
            registry=registry,
        )
        self._fetches = Counter(
            "leadsman_fetches_total",
            "Attempts to bring a Git repository up to date, by how they ended.",
            ("outcome",),
            registry=registry,
        )
        self._renders = Counter(
            "leadsman_renders_total",
            "Renders by renderer and by how they ended; an outcome cached ran no program.",
            ("renderer", "outcome"),
            registry=registry,
        )
        self._report_writes = Counter(
            "leadsman_report_writes_total",
            "Attempts to write a DriftReport, by how they ended.",
            ("outcome",),
            registry=registry,
        )
        self._events = Counter(
            "leadsman_events_emitted_total",
            "Events that were written, by reason.",
            ("reason",),
            registry=registry,
        )
        self._hooks = Counter(
            "leadsman_hooks_total",
            "Webhooks that were received, by who says to have sent them and what came of them.",
            ("forge", "outcome"),
            registry=registry,
        )
        self._relays = Counter(
            "leadsman_hooks_relayed_total",
            "Attempts to tell another process of a webhook, by what came of them.",
            ("outcome",),
            registry=registry,
        )

    def sharded(self, index: int, count: int) -> None:
        """Say which shard of how many this process is."""
        self._shard.labels(str(index), str(count)).set(1)
        self._shards.set(count)

    def leads(self, *, leads: bool) -> None:
        """Say whether this process works."""
        self._leader.set(leads)

    def staged(self, stage: str, seconds: float) -> None:
        """Time a stage."""
        self._stages.labels(stage).observe(seconds)

    def turned(self, seconds: float, cpu: float) -> None:
        """Time a turn of the event loop, and the CPU that it took."""
        self._loop_lag.observe(seconds)
        self._loop_busy.observe(cpu)

    def requested(self, verb: str, resource: str, code: str, seconds: float) -> None:
        """Count and time a request to the API server."""
        self._requests.labels(verb, resource, code).inc()
        self._request_durations.labels(verb).observe(seconds)

    def dry_ran(self, outcome: str) -> None:
        """Count an object that the API server was asked about."""
        self._dry_runs.labels(outcome).inc()

    def watch_restarted(self, resource: str, reason: str) -> None:
        """Count a watch that was started again."""
        self._watch_restarts.labels(resource, reason).inc()

    def fetched(self, outcome: str) -> None:
        """Count an attempt to bring a repository up to date."""
        self._fetches.labels(outcome).inc()

    def hooked(self, forge: str, outcome: str) -> None:
        """Count a webhook."""
        self._hooks.labels(forge, outcome).inc()

    def relayed(self, outcome: str) -> None:
        """Count an attempt to tell another process of a webhook."""
        self._relays.labels(outcome).inc()

    def rendered(self, renderer: str, outcome: str) -> None:
        """Count a render."""
        self._renders.labels(renderer, outcome).inc()

    def reported(self, outcome: str) -> None:
        """Count an attempt to write a report."""
        self._report_writes.labels(outcome).inc()

    def emitted(self, reason: str) -> None:
        """Count an Event."""
        self._events.labels(reason).inc()

    def exposition(self, accept: str = "", more: Iterable[bytes] = ()) -> tuple[bytes, str]:
        """Return all metrics and their content type, in the format that ``accept`` asks for.

        ``more`` are families of gauges as text.
        """
        encode, content_type = choose_encoder(accept)
        own = encode(self.registry)
        end = _END if own.endswith(_END) else b""
        return b"".join((own.removesuffix(end), *more, end)), content_type
