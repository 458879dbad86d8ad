"""What whoever delivers a target says of it in a custom resource of its own."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Complaint:
    """That delivery fails: the tool's own ``reason`` and ``message``.

    ``since`` is in seconds since the epoch, 0 where the tool does not say it.
    """

    reason: str
    message: str
    since: float = 0.0


@dataclass(frozen=True, slots=True)
class Suspension:
    """That somebody has paused delivery.

    ``since`` is in seconds since the epoch and ``by`` a field manager, 0 and "" where that is not
    known; ``why`` is what they have said, if anything.
    """

    since: float = 0.0
    by: str = ""
    why: str = ""


@dataclass(frozen=True, slots=True)
class Delivery:
    """How delivery goes; ``running``: it has begun and what comes of it is not told yet."""

    complaint: Complaint | None = None
    suspension: Suspension | None = None
    running: bool = False
