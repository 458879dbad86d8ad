"""Count what all jobs found, and print it by kind, by way, by type of field and by teller."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from truth.job import Fault, Outcome

SORTS = ("false alarm", "missed", "wrong path", "wrong manager")
LEADSMAN = "Leadsman"


@dataclass(slots=True)
class Tally:
    """All outcomes together."""

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
        """1 where Leadsman was wrong or a job could not be done."""
        wrong = any(fault.who.startswith(LEADSMAN) for fault in self.faults)
        return int(wrong or any(outcome.failed for outcome in self.outcomes))

    def report(self, *, verbose: bool = False) -> str:
        """Return the tables; the last line is the sum for Leadsman."""
        lines: list[str] = []
        if verbose:
            lines += [note for outcome in self.outcomes for note in outcome.notes]
        lines += [f"{fault.who}: {fault.sort}: {fault.way}: {fault.what}" for fault in self.faults]
        lines += [outcome.failed for outcome in self.outcomes if outcome.failed]
        lines += ["", "By kind", *self._by_kind(), "", "By way", *self._by_way()]
        lines += ["", "By change", *_columns(self._sum("actions").most_common())]
        lines += ["", "Not delivered", *_columns(self._sum("left_out").most_common())]
        lines += ["", "Not rendered", *_columns(self.refused.most_common())]
        lines += ["", "By teller", *self._by_teller(), "", self.last_line()]
        return "\n".join(lines)

    def last_line(self) -> str:
        """Return the sum for Leadsman in both modes."""
        counts = Counter(f.sort for f in self.faults if f.who.startswith(LEADSMAN))
        objects = self._sum("objects")
        ways = {outcome.way for outcome in self.outcomes}
        per_way = max((sum(self._sum("objects", way).values()) for way in ways), default=0)
        said = " ".join(f"{sort.replace(' ', '_')}s={counts[sort]}" for sort in SORTS[:1])
        rest = " ".join(f"{sort.replace(' ', '_')}={counts[sort]}" for sort in SORTS[1:])
        mutations = sum(self._sum("mutations").values())
        return (
            f"objects={per_way} kinds={len(objects)} ways={len(ways)} {said} "
            f"mutations={mutations} {rest}"
        )

    def _sum(self, name: str, way: str = "") -> Counter[str]:
        total: Counter[str] = Counter()
        for outcome in self.outcomes:
            if not way or outcome.way == way:
                total.update(getattr(outcome, name))
        return total

    def _by_kind(self) -> Iterable[str]:
        objects, mutations = self._sum("objects"), self._sum("mutations")
        faults = Counter((f.kind, f.sort) for f in self.faults if f.who.startswith(LEADSMAN))
        yield _row("kind", "deliveries", "mutations", *SORTS)
        for kind, count in objects.most_common():
            yield _row(kind, count, mutations[kind], *(faults[kind, sort] for sort in SORTS))

    def _by_way(self) -> Iterable[str]:
        yield _row("way", "objects", "mutations", *SORTS)
        for way in sorted({outcome.way for outcome in self.outcomes}):
            faults = Counter(
                f.sort for f in self.faults if f.way == way and f.who.startswith(LEADSMAN)
            )
            objects = sum(self._sum("objects", way).values())
            mutations = sum(self._sum("mutations", way).values())
            yield _row(way, objects, mutations, *(faults[sort] for sort in SORTS))

    def _by_teller(self) -> Iterable[str]:
        tellers = self._sum("judged")
        faults = Counter((f.who, f.sort) for f in self.faults)
        yield _row("teller", "objects", "mutations", *SORTS)
        mutations = self._sum("changes_judged")
        for who, count in tellers.items():
            yield _row(who, count, mutations[who], *(faults[who, sort] for sort in SORTS))


def _row(first: object, *rest: object) -> str:
    return f"{first!s:<60}" + "".join(f"{cell!s:>15}" for cell in rest)


def _columns(counts: Iterable[tuple[str, int]]) -> Iterable[str]:
    return [f"{name:<60}{count:>15}" for name, count in counts]
