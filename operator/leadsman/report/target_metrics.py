"""The metrics that tell what is known of targets, collected at the moment of a scrape.

Their series carry ``target_kind, target_namespace, target_name``: Prometheus overwrites a label
``namespace`` with that of the scraped Pod.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from leadsman.model.finding import DRIFTED_STATES, Cause, Finding, State, Unlisted

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from leadsman.model.status import TargetStatus

_TARGET = ("target_kind", "target_namespace", "target_name")


class StatusCollector(Collector):
    """Says what is known of all targets at the moment of the scrape.

    Collected from ``snapshot``, so that the series of a target that is gone vanish with it.
    ``object_series`` caps ``leadsman_object_drifted``; where it does not suffice every target gets
    its fair share, and what has drifted longest is said.
    """

    def __init__(
        self, snapshot: Callable[[], Iterable[TargetStatus]], *, object_series: int = 5000
    ) -> None:
        self._snapshot = snapshot
        self._object_series = object_series

    def describe(self) -> Iterable[GaugeMetricFamily]:
        """Return the families without samples, for the registry's check of names."""
        return _families().values()

    def collect(self) -> Iterable[GaugeMetricFamily]:
        """Return all families with the samples of now."""
        families = _families()
        statuses = sorted(self._snapshot(), key=lambda status: status.key)
        for status in statuses:
            _add_target(families, status)
        left_out = _add_objects(families["object_drifted"], statuses, self._object_series)
        families["object_drifted_limit"].add_metric((), self._object_series)
        families["object_drifted_omitted"].add_metric((), left_out)
        return families.values()


def _families() -> dict[str, GaugeMetricFamily]:
    return {
        name: GaugeMetricFamily(f"leadsman_{name}", text, labels=labels)
        for name, text, labels in (
            (
                "target_objects",
                "How many objects of the target are in each state.",
                (*_TARGET, "state"),
            ),
            (
                "target_excused_fields",
                "How many fields differ from Git and are no drift, by cause.",
                (*_TARGET, "cause"),
            ),
            (
                "target_ignored_fields",
                "How many fields differ from Git and a rule ignores.",
                _TARGET,
            ),
            (
                "target_info",
                "Always 1; the revision that the target was compared with, and its repository.",
                (*_TARGET, "revision", "url"),
            ),
            (
                "target_drift_started_timestamp_seconds",
                "Since when the target has drifted without a break; not there while it has not.",
                _TARGET,
            ),
            (
                "target_failing",
                "1 while the target cannot be checked: the stage that fails, and why.",
                (*_TARGET, "stage", "reason"),
            ),
            (
                "target_suspended_timestamp_seconds",
                "Since when the target has been suspended; not there while it is not.",
                _TARGET,
            ),
            (
                "target_checked_timestamp_seconds",
                "When the target was last checked successfully.",
                _TARGET,
            ),
            (
                "target_interval_seconds",
                "How long the target waits between two checks: spec.interval.",
                _TARGET,
            ),
            (
                "object_drifted",
                "1 for each object that has drifted, up to leadsman_object_drifted_limit.",
                (*_TARGET, "object_kind", "object_namespace", "object_name", "state"),
            ),
            (
                "object_drifted_limit",
                "The most series that leadsman_object_drifted may have.",
                (),
            ),
            (
                "object_drifted_omitted",
                "How many objects that have drifted leadsman_object_drifted leaves out.",
                (),
            ),
        )
    }


def _add_target(families: dict[str, GaugeMetricFamily], status: TargetStatus) -> None:
    target = (status.key.kind, status.key.namespace, status.key.name)
    for state in State:
        count = status.summary.states.get(state, 0)
        families["target_objects"].add_metric((*target, state.value), count)
    summary = status.summary
    for cause, count in (
        (Cause.ADMISSION, summary.admission_fields),
        (Cause.PENDING, summary.pending_fields),
    ):
        families["target_excused_fields"].add_metric((*target, cause.value), count)
    families["target_ignored_fields"].add_metric(target, summary.ignored_fields)
    revision = status.commit.revision if status.commit is not None else ""
    families["target_info"].add_metric((*target, revision, status.url), 1)
    if status.failure is not None:
        failing = (*target, status.failure.stage, status.failure.reason)
        families["target_failing"].add_metric(failing, 1)
    for name, seconds in (
        ("drift_started_timestamp", status.drift_since),
        ("suspended_timestamp", status.suspended_since),
        ("checked_timestamp", status.checked_at),
        ("interval", status.interval),
    ):
        if seconds:
            families[f"target_{name}_seconds"].add_metric(target, seconds)


def _add_objects(family: GaugeMetricFamily, statuses: Sequence[TargetStatus], limit: int) -> int:
    """Add up to ``limit`` series and return how many drifted objects have none."""
    drifted = [
        [item for item in status.known if item.state in DRIFTED_STATES] for status in statuses
    ]
    share = _fair_share([len(findings) for findings in drifted], limit)
    said = 0
    for status, findings in zip(statuses, drifted, strict=True):
        if len(findings) > share:
            findings.sort(key=lambda finding: (finding.since, finding.key))
        # Kinds of the same name in two groups would give the same series twice.
        series = dict.fromkeys(map(_labels, findings[:share]))
        target = (status.key.kind, status.key.namespace, status.key.name)
        for labels in series:
            family.add_metric((*target, *labels), 1)
        said += min(len(findings), share)
    return sum(map(len, drifted)) - said


def _labels(finding: Finding | Unlisted) -> tuple[str, str, str, str]:
    return finding.key.kind, finding.key.namespace, finding.key.name, finding.state.value


def _fair_share(counts: Iterable[int], limit: int) -> int:
    """Return the largest share for which the sum of ``min(count, share)`` is within ``limit``."""
    room = limit
    ordered = sorted(counts)
    for index, count in enumerate(ordered):
        share = room // (len(ordered) - index)
        if count > share:
            return share
        room -= count
    return ordered[-1] if ordered else 0
