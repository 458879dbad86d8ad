"""Mirrors in folders of their own, a server, and a count of what the mirrors did."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import pytest

from controlplane.gitserver import GitServer
from leadsman.source.mirrors import GitMirrors

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator
    from pathlib import Path
    from typing import Any


class Seen(Counter[str]):
    """Counts operations as ``fetch`` and with their outcome as ``fetch ok``."""

    def __call__(self, operation: str, seconds: float, outcome: str) -> None:
        assert seconds >= 0
        self[operation] += 1
        self[f"{operation} {outcome}"] += 1


@pytest.fixture
def server() -> Iterator[GitServer]:
    with GitServer() as running:
        yield running


@pytest.fixture
def seen() -> Seen:
    return Seen()


@pytest.fixture
async def make_mirrors(tmp_path: Path, seen: Seen) -> AsyncIterator[Callable[..., GitMirrors]]:
    made: list[GitMirrors] = []

    def make(**options: Any) -> GitMirrors:
        made.append(GitMirrors(tmp_path / f"root-{len(made)}", observe=seen, **options))
        return made[-1]

    yield make
    for mirrors in made:
        await mirrors.close()


@pytest.fixture
def mirrors(make_mirrors: Callable[..., GitMirrors]) -> GitMirrors:
    return make_mirrors()
