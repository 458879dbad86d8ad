"""What a job is to do, and what came of it."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeAlias

if TYPE_CHECKING:
    from truth.mutations import Mutation

# Who told, of what kind, delivered in which way: how many.
Counts: TypeAlias = "Counter[tuple[str, str, str]]"

LEADSMAN = "Leadsman"
MODES = ("ReadOnly", "DryRun")
FALSE_ALARM, MISSED, WRONG_PATH, WRONG_MANAGER = SORTS = (
    "false alarm",
    "missed",
    "wrong path",
    "wrong manager",
)


@dataclass(frozen=True, slots=True)
class Plan:
    """How a job is done: by which way, with which seed, and who is asked.

    ``modes`` are Leadsman's, ``peers`` of ``truth.peers``; ``per_object`` changes are made to each.
    """

    way: str
    seed: int
    per_object: int = 2
    modes: tuple[str, ...] = MODES
    peers: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Made:
    """A change that was made, by whom, the object right after it, and how it was written."""

    mutation: Mutation
    manager: str
    then: dict[str, Any]
    hand: str


@dataclass(frozen=True, slots=True)
class Fault:
    """Something that was wrongly said or not said.

    ``paths`` were told. Of a change that was made: where, how and by which request, whether Git has
    something there, and whether it is part of what Git has and one owns as a whole. ``is_blank``:
    what Git has there, or where something was told of an untouched object, is null, zero or empty.
    ``is_hook``: the object is a hook of Argo CD's, or of Helm's, which Argo CD takes for its own.
    """

    who: str
    sort: str
    kind: str
    way: str
    what: str
    paths: tuple[str, ...] = ()
    place: str = ""
    action: str = ""
    hand: str = ""
    is_of_git: bool = False
    is_within: bool = False
    is_blank: bool = False
    is_hook: bool = False

    def __str__(self) -> str:
        return f"{self.who}: {self.sort}: {self.way}: {self.what}"

    @property
    def is_ours(self) -> bool:
        """Whether it was Leadsman, in whichever mode."""
        return self.who.startswith(LEADSMAN)


@dataclass(slots=True)
class Outcome:
    """What a job counted, and what was wrong.

    ``objects`` and ``mutations`` are what each teller was asked about; ``left_out`` is what could
    not be delivered, ``actions`` what was changed how, ``hands`` by which request, ``undecided``
    what a teller could not say.
    """

    way: str
    objects: Counts = field(default_factory=Counter)
    mutations: Counts = field(default_factory=Counter)
    actions: Counter[str] = field(default_factory=Counter)
    hands: Counter[str] = field(default_factory=Counter)
    left_out: Counter[str] = field(default_factory=Counter)
    undecided: Counter[str] = field(default_factory=Counter)
    faults: list[Fault] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    delivered: int = 0
    failed: str = ""

    @classmethod
    def broken(cls, plan: Plan, why: str) -> Outcome:
        """Return the outcome of a job that could not be done."""
        return cls(plan.way, failed=why)

    @property
    def own_faults(self) -> list[Fault]:
        """What Leadsman got wrong."""
        return [fault for fault in self.faults if fault.is_ours]

    def line(self) -> str:
        """Return the sum in one line."""
        if self.failed:
            return self.failed
        return (
            f"{self.delivered} objects, {self.actions.total()} mutations, "
            f"{self.left_out.total()} left out, {len(self.own_faults)} faults"
        )
