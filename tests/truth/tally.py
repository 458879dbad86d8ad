"""Count what all jobs found, and print it by teller, kind, way and kind of change."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from truth.outcome import FALSE_ALARM, LEADSMAN, MISSED, SORTS, WRONG_MANAGER, WRONG_PATH
from truth.reasons import reason

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from truth.outcome import Counts, Fault, Outcome

_HEAD = ("objects", "false alarms", "mutations", "missed", "wrong path", "wrong manager")


@dataclass(slots=True)
class Tally:
    """All outcomes together; ``refused`` is what was not rendered, and why."""

    refused: Counter[str] = field(default_factory=Counter)
    outcomes: list[Outcome] = field(default_factory=list)

    def add(self, outcome: Outcome) -> None:
        """Take in one job's outcome."""
        self.outcomes.append(outcome)

    @property
    def faults(self) -> list[Fault]:
        """All that was wrong."""
        return [fault for outcome in self.outcomes for fault in outcome.faults]

    @property
    def exit_code(self) -> int:
        """1 where Leadsman was wrong, a job could not be done, or there was nothing to judge."""
        wrong = any(fault.is_ours for fault in self.faults)
        broken = any(outcome.failed for outcome in self.outcomes)
        return int(wrong or broken or not self._mutations())

    def report(self, *, verbose: bool = False) -> str:
        """Return the tables; the last line is the sum for Leadsman."""
        lines: list[str] = []
        if verbose:
            lines += [note for outcome in self.outcomes for note in outcome.notes]
            lines += [str(fault) for fault in self.faults if not fault.is_ours]
        lines += [str(fault) for fault in self.faults if fault.is_ours]
        lines += [outcome.failed for outcome in self.outcomes if outcome.failed]
        objects, mutations = self._counts("objects"), self._counts("mutations")
        by_sort: Counter[tuple[str, str, str, str]] = Counter()
        for fault in self.faults:
            by_sort[fault.who, fault.kind, fault.way, fault.sort] += 1
        for title, parts in (("By kind", (0, 1)), ("By way", (0, 2)), ("By teller", (0,))):
            lines += ["", title, *_table(objects, mutations, by_sort, parts)]
        others = Counter((one.sort, reason(one), one.who) for one in self.faults if not one.is_ours)
        lines += ["", "Why peers say otherwise", *_whys(others)] if others else []
        undecided = self._sum("undecided")
        lines += ["", "No answer", *_columns(undecided)] if undecided else []
        lines += ["", "By change", *_columns(self._sum("actions"))]
        lines += ["", "By request", *_columns(self._sum("hands"))]
        lines += ["", "Not delivered", *_columns(self._sum("left_out"))]
        lines += ["", "Not rendered", *_columns(self.refused), "", self.last_line()]
        return "\n".join(lines)

    def last_line(self) -> str:
        """Return the sum for Leadsman in both modes; objects are those of the way that has most."""
        ours = Counter(fault.sort for fault in self.faults if fault.is_ours)
        ways: Counter[str] = Counter()
        for outcome in self.outcomes:
            ways[outcome.way] += outcome.delivered
        kinds = {kind for who, kind, _ in self._counts("objects") if who.startswith(LEADSMAN)}
        return (
            f"objects={max(ways.values(), default=0)} kinds={len(kinds)} ways={len(ways)} "
            f"false_alarms={ours[FALSE_ALARM]} mutations={self._mutations()} "
            f"missed={ours[MISSED]} wrong_path={ours[WRONG_PATH]} "
            f"wrong_manager={ours[WRONG_MANAGER]}"
        )

    def _mutations(self) -> int:
        return self._sum("actions").total()

    def _counts(self, name: str) -> Counts:
        total: Counts = Counter()
        for outcome in self.outcomes:
            total.update(getattr(outcome, name))
        return total

    def _sum(self, name: str) -> Counter[str]:
        total: Counter[str] = Counter()
        for outcome in self.outcomes:
            total.update(getattr(outcome, name))
        return total


def _table(
    objects: Counts,
    mutations: Counts,
    faults: Counter[tuple[str, str, str, str]],
    parts: tuple[int, ...],
) -> Iterator[str]:
    """Sum up by the named parts of (teller, kind, way)."""
    rows: dict[tuple[str, ...], Counter[str]] = {}
    for counts, column in ((objects, "objects"), (mutations, "mutations")):
        for told, count in counts.items():
            rows.setdefault(tuple(told[part] for part in parts), Counter())[column] += count
    for fault, count in faults.items():
        rows.setdefault(tuple(fault[part] for part in parts), Counter())[fault[3]] += count
    yield _row("", *_HEAD)
    for key in sorted(rows, key=lambda key: (not key[0].startswith(LEADSMAN), key)):
        row = rows[key]
        missed, path, manager = (row[sort] for sort in SORTS[1:])
        cells = (row["objects"], row[FALSE_ALARM], row["mutations"], missed, path)
        yield _row("  ".join(key), *cells, manager if key[0].startswith(LEADSMAN) else "-")


def _whys(others: Counter[tuple[str, str, str]]) -> Iterator[str]:
    """Say how often each reason held, with a column for each peer."""
    peers = sorted({who for _, _, who in others})
    yield f"{'':<80}" + "".join(f"{peer:>20}" for peer in peers)
    for sort, why in sorted({(sort, why) for sort, why, _ in others}):
        counts = (others[sort, why, peer] for peer in peers)
        yield f"{f'{sort}: {why}':<80}" + "".join(f"{count:>20}" for count in counts)


def _row(first: object, *rest: object) -> str:
    return f"{first!s:<80}" + "".join(f"{cell!s:>14}" for cell in rest)


def _columns(counts: Counter[str]) -> Iterable[str]:
    return [f"{name:<80}{count:>14}" for name, count in counts.most_common()]
