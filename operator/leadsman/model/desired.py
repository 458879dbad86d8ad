"""What Git asks for, rendered."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from leadsman.model.identity import Gvk, ObjectKey


@dataclass(frozen=True, slots=True)
class DesiredObject:
    """One object that a target renders.

    ``body`` is canonical JSON (sorted keys, UTF-8, no spaces), ``digest`` the first 16 bytes of
    its SHA-256, ``file`` the file in Git that it comes from, relative to the repository's root,
    or the nearest that is known (a kustomization, a chart's template).
    """

    key: ObjectKey
    gvk: Gvk
    body: bytes
    digest: bytes
    file: str = ""


@dataclass(frozen=True, slots=True)
class Rendered:
    """The objects of one render in the order they were rendered, without duplicates.

    ``renderer`` is ``Helm``, ``Kustomize`` or ``Plain``; ``warnings`` are said to the user.
    """

    objects: tuple[DesiredObject, ...]
    renderer: str
    warnings: tuple[str, ...] = ()
