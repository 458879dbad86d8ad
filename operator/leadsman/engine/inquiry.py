"""What has to be known of one object beside what it is itself, and what is known."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from leadsman.compare.access import mapping

if TYPE_CHECKING:
    from leadsman.compare.owners.evidence import Evidence
    from leadsman.model.json import JsonObject


class Tool(StrEnum):
    """Whose records tell what was sent."""

    HELM = "Helm"
    FLUX = "Flux"
    ARGO = "Argo CD"


@dataclass(frozen=True, slots=True, order=True)
class Origin:
    """Where a tool's records are: a release, a Kustomization, an Application.

    An Application's namespace is "" where the object does not tell it.
    """

    tool: Tool
    namespace: str
    name: str


@dataclass(frozen=True, slots=True)
class Question:
    """What must be known of one live object: who sent it, and when that one wrote.

    ``scaled`` is the object's generation where it has to be known whether an autoscaler has changed
    it, "" where not.
    """

    origin: Origin | None
    times: frozenset[str]
    scaled: str = ""


@dataclass(frozen=True, slots=True)
class Answer:
    """What is known; ``running``: more will be in a moment, since a delivery is under way."""

    evidence: tuple[Evidence, ...] = ()
    running: bool = False
    scaler: str = ""


@dataclass(slots=True)
class Inquiry:
    """What is known of one object that differed in what delivery wrote or may have written.

    ``question`` is what was asked for last, ``evidence`` what was answered. ``waiting``: until it
    is answered the object is not judged; ``told``: it was answered, and is to be judged. ``tries``
    counts how often it was asked again.
    """

    question: Question
    evidence: tuple[Evidence, ...] = ()
    scaler: str = ""
    waiting: bool = True
    told: bool = False
    tries: int = 0


def scaled_at(live: JsonObject) -> str:
    """Return what changes whenever the replicas do."""
    return str(mapping(live.get("metadata")).get("generation", ""))
