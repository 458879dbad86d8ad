"""What a render has read, so that a commit that leaves it alone is known to change nothing."""

from __future__ import annotations

import hashlib
import posixpath
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping


@dataclass(frozen=True, slots=True)
class Trace:
    """The paths that a render has read, and a digest of what Git had there.

    A path may be a folder, with all in it, or absent, if the render relied on that.
    """

    paths: tuple[str, ...]
    digest: bytes

    def holds(self, trees: Mapping[str, str]) -> bool:
        """Tell whether a commit has the same at all these paths.

        ``trees`` are its ids by path, as an ``Artifact`` has them; without any nothing is known.
        """
        return bool(trees) and _digest(trees, self.paths) == self.digest


def trace(trees: Mapping[str, str], paths: Collection[str]) -> Trace | None:
    """Return what was read of a commit; None where Git's ids are not known."""
    if not trees:
        return None
    # The id of a folder is that of all in it.
    folders = {path for path in paths if path in trees}
    kept = tuple(sorted(path for path in paths if folders.isdisjoint(_above(path))))
    return Trace(kept, _digest(trees, kept))


def _above(path: str) -> Iterator[str]:
    while path:
        path = posixpath.dirname(path)
        yield path


def _digest(trees: Mapping[str, str], paths: Iterable[str]) -> bytes:
    digest = hashlib.blake2b(digest_size=16)
    for path in paths:
        # Names need not be UTF-8, and may hold anything but a null.
        digest.update(f"{path}\0{trees.get(path, '')}\0".encode("utf-8", "surrogateescape"))
    return digest.digest()
