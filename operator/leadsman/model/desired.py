"""What Git asks for, rendered."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from leadsman.model.identity import Gvk, ObjectKey
    from leadsman.model.trace import Trace


@dataclass(frozen=True, slots=True)
class DesiredObject:
    """One object that a target renders.

    ``body`` is canonical JSON (sorted keys, UTF-8, no spaces), ``digest`` the first 16 bytes of
    its SHA-256, ``file`` the file in Git that it comes from, relative to the repository's root,
    or the nearest that is known (a kustomization, a chart's template).

    ``origin`` is the object as Git has it where the cluster does not serve its version: this one is
    the same in a version that is served, or only stands for it (``unconverted`` says why).
    """

    key: ObjectKey
    gvk: Gvk
    body: bytes
    digest: bytes
    file: str = ""
    origin: DesiredObject | None = None
    unconverted: str = ""

    @property
    def written(self) -> Gvk:
        """The kind and version in which Git has it."""
        return self.gvk if self.origin is None else self.origin.gvk


@dataclass(frozen=True, slots=True)
class Rendered:
    """The objects of one render in the order they were rendered, without duplicates.

    ``renderer`` is ``Helm``, ``Kustomize`` or ``Plain``; ``warnings`` are said to the user.
    ``trace`` tells what the render has read, None where that is not known.
    """

    objects: tuple[DesiredObject, ...]
    renderer: str
    warnings: tuple[str, ...] = ()
    trace: Trace | None = None
