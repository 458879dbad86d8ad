"""Manifests as they come out of a renderer, before they are judged to be objects."""

from __future__ import annotations

from dataclasses import dataclass

from leadsman.model.json import Json  # noqa: TC001 - msgspec reads the annotations at run time
from leadsman.render.messages import shown


@dataclass(frozen=True, slots=True)
class Manifest:
    """One document, with the file it comes from and its line there (0: not known)."""

    body: Json
    file: str
    line: int = 0

    def __str__(self) -> str:
        return f"{self.file}:{self.line}" if self.line else self.file


@dataclass(frozen=True, slots=True)
class Documents:
    """All that one render yields, in its order.

    ``digest`` is that of the text which Flux would have built of it, "" where it does not deliver.
    """

    manifests: tuple[Manifest, ...]
    warnings: tuple[str, ...] = ()
    digest: str = ""

    def shown(self) -> Documents:
        """Return the same with the names of files as they can be written anywhere."""
        manifests = [Manifest(item.body, shown(item.file), item.line) for item in self.manifests]
        return Documents(tuple(manifests), tuple(map(shown, self.warnings)), self.digest)
