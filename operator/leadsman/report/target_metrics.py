"""The metrics that tell what is known of targets, as text that is put together at a scrape.

Their series carry ``target_kind, target_namespace, target_name``: Prometheus overwrites a label
``namespace`` with that of the scraped Pod. A target's lines are written when its status changes and
kept, so that a scrape costs what is copied: 10,000 targets have 140,000 series.

Source: https://github.com/prometheus/docs, "Exposition formats"; gauges look the same in it and in
OpenMetrics.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from leadsman.model.finding import DRIFTED_STATES, Cause, State

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from leadsman.model.finding import Finding, Unlisted
    from leadsman.model.identity import TargetKey
    from leadsman.model.status import TargetStatus

_TARGET: Final = ("target_kind", "target_namespace", "target_name")


@dataclass(frozen=True, slots=True)
class Family:
    """A gauge: its name, what it says, and the labels of its series."""

    name: str
    text: str
    labels: tuple[str, ...] = _TARGET

    @property
    def head(self) -> str:
        """The lines before its series."""
        return f"# HELP {self.name} {self.text}\n# TYPE {self.name} gauge\n"

    def series(self, labels: Sequence[str]) -> str:
        """A line up to its value."""
        named = ",".join(
            f'{name}="{_escape(label)}"' for name, label in zip(self.labels, labels, strict=True)
        )
        return f"{self.name}{{{named}}} "

    def line(self, labels: Sequence[str], value: float) -> str:
        """A whole line."""
        return f"{self.series(labels)}{_number(value)}\n"


_OBJECTS = Family(
    "leadsman_target_objects",
    "How many objects of the target are in each state.",
    (*_TARGET, "state"),
)
_EXCUSED = Family(
    "leadsman_target_excused_fields",
    "How many fields differ from Git and are no drift, by cause.",
    (*_TARGET, "cause"),
)
_IGNORED = Family(
    "leadsman_target_ignored_fields", "How many fields differ from Git and a rule ignores."
)
_INFO = Family(
    "leadsman_target_info",
    "Always 1; the revision that the target was compared with, and its repository.",
    (*_TARGET, "revision", "url"),
)
_DRIFT = Family(
    "leadsman_target_drift_started_timestamp_seconds",
    "Since when the target has drifted without a break; not there while it has not.",
)
_FAILING = Family(
    "leadsman_target_failing",
    "1 while the target cannot be checked: the stage that fails, and why.",
    (*_TARGET, "stage", "reason"),
)
_SUSPENDED = Family(
    "leadsman_target_suspended_timestamp_seconds",
    "Since when the target has been suspended; not there while it is not.",
)
_INTERVAL = Family(
    "leadsman_target_interval_seconds",
    "How long the target waits between two checks: spec.interval.",
)
_CHECKED = Family(
    "leadsman_target_checked_timestamp_seconds", "When the target was last checked successfully."
)
_DRIFTED = Family(
    "leadsman_object_drifted",
    "1 for each object that has drifted, up to leadsman_object_drifted_limit.",
    (*_TARGET, "object_kind", "object_namespace", "object_name", "state"),
)
_LIMIT = Family(
    "leadsman_object_drifted_limit", "The most series that leadsman_object_drifted may have.", ()
)
_OMITTED = Family(
    "leadsman_object_drifted_omitted",
    "How many objects that have drifted leadsman_object_drifted leaves out.",
    (),
)
# Those of which each target has its own lines, kept; the rest is made at each scrape.
_KEPT = (_OBJECTS, _EXCUSED, _IGNORED, _INFO, _DRIFT, _FAILING, _SUSPENDED, _INTERVAL)
FAMILIES: Final = (*_KEPT, _CHECKED, _DRIFTED, _LIMIT, _OMITTED)


class TargetMetrics:
    """What is known of all targets, for a scrape.

    ``object_series`` caps ``leadsman_object_drifted``; where it does not suffice every target gets
    its fair share, and what has drifted longest is said.
    """

    def __init__(self, *, object_series: int = 5000) -> None:
        self._object_series = object_series
        self._lines: dict[TargetKey, tuple[bytes, ...]] = {}
        # The line up to the time, which moves with each look, and the time.
        self._checked: dict[TargetKey, tuple[str, float]] = {}
        self._drifted: dict[TargetKey, list[Finding | Unlisted]] = {}
        self._order: list[TargetKey] = []

    def update(self, status: TargetStatus) -> None:
        """Take a target as it is now."""
        key = status.key
        if key not in self._lines:
            self._order = []
        self._lines[key] = _lines(status)
        series = _CHECKED.series((key.kind, key.namespace, key.name))
        self._checked[key] = series, status.checked_at
        drifted = [item for item in status.known if item.state in DRIFTED_STATES]
        if drifted:
            self._drifted[key] = drifted
        else:
            self._drifted.pop(key, None)

    def checked(self, key: TargetKey, when: float) -> None:
        """Say when a target was last checked successfully, if nothing else has changed."""
        self._checked[key] = self._checked[key][0], when

    def remove(self, key: TargetKey) -> None:
        """Forget a target; its series vanish with it."""
        self._order = []
        for kept in (self._lines, self._checked, self._drifted):
            kept.pop(key, None)

    def families(self) -> Iterator[bytes]:
        """Yield each family with its series, by target, as all is when the first is asked for."""
        if not self._order:
            # By texts and not by what they make up, which takes ten times as long.
            self._order = sorted(self._lines, key=lambda key: (key.kind, key.namespace, key.name))
        kept = [self._lines[key] for key in self._order]
        checked = [self._checked[key] for key in self._order]
        lines, left_out = self._objects()
        for index, family in enumerate(_KEPT):
            yield family.head.encode()
            yield b"".join(each[index] for each in kept)
        times = (f"{series}{_number(when)}\n" for series, when in checked if when)
        yield (_CHECKED.head + "".join(times)).encode()
        yield (_DRIFTED.head + "".join(lines)).encode()
        for family, value in ((_LIMIT, self._object_series), (_OMITTED, left_out)):
            yield f"{family.head}{family.name} {_number(value)}\n".encode()

    def _objects(self) -> tuple[list[str], int]:
        """Return the lines of up to ``object_series`` objects, and how many have none."""
        drifted = [(key, self._drifted[key]) for key in self._order if key in self._drifted]
        share = _fair_share([len(items) for _, items in drifted], self._object_series)
        lines: list[str] = []
        said = 0
        for key, items in drifted:
            if len(items) > share:
                items.sort(key=lambda item: (item.since, item.key))
            # Kinds of the same name in two groups would give the same series twice.
            series = dict.fromkeys(map(_labels, items[:share]))
            target = (key.kind, key.namespace, key.name)
            lines += [_DRIFTED.line((*target, *labels), 1) for labels in series]
            said += min(len(items), share)
        return lines, sum(len(items) for _, items in drifted) - said


def _lines(status: TargetStatus) -> tuple[bytes, ...]:
    """Return a target's lines of each family that is kept, in their order."""
    target = (status.key.kind, status.key.namespace, status.key.name)
    summary, failure, commit = status.summary, status.failure, status.commit
    states = [((*target, state.value), summary.states.get(state, 0)) for state in State]
    causes = [
        ((*target, Cause.ADMISSION.value), summary.admission_fields),
        ((*target, Cause.PENDING.value), summary.pending_fields),
    ]
    revision = commit.revision if commit is not None else ""
    failing = [((*target, failure.stage, failure.reason), 1)] if failure is not None else []
    series: dict[Family, Sequence[tuple[Sequence[str], float]]] = {
        _OBJECTS: states,
        _EXCUSED: causes,
        _IGNORED: [(target, summary.ignored_fields)],
        _INFO: [((*target, revision, status.url), 1)],
        _DRIFT: _set(target, status.drift_since),
        _FAILING: failing,
        _SUSPENDED: _set(target, status.suspended_since),
        _INTERVAL: _set(target, status.interval),
    }
    return tuple(
        "".join(family.line(labels, value) for labels, value in series[family]).encode()
        for family in _KEPT
    )


def _set(target: Sequence[str], seconds: float) -> list[tuple[Sequence[str], float]]:
    return [(target, seconds)] if seconds else []


def _labels(item: Finding | Unlisted) -> tuple[str, str, str, str]:
    return item.key.kind, item.key.namespace, item.key.name, item.state.value


def _escape(text: str) -> str:
    if text.isalnum():
        return text
    # What is no character cannot be sent; no name and no URL that an API server takes has such.
    text = text.encode("utf-8", "replace").decode()
    return text.replace("\\", r"\\").replace("\n", r"\n").replace('"', r"\"")


def _number(value: float) -> str:
    return repr(float(value))


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
