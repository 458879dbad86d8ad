"""Which targets follow a repository, or a server: a push, or slowness, concerns them all."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from leadsman.model.source import GitSource
from leadsman.source.url import repository_name

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from leadsman.engine.state import TargetState
    from leadsman.model.identity import TargetKey


def followers_of(states: Iterable[TargetState], names: Collection[str]) -> list[TargetKey]:
    """Return the targets of a repository, whatever reference of it they name.

    ``names`` are its addresses in the form of ``repository_name``. A suspended target follows Git
    no further.
    """
    return [
        state.key
        for state in states
        if state.target is not None
        and not state.target.suspended
        and isinstance(state.target.source, GitSource)
        and repository_name(state.target.source.url) in names
    ]


def host_of(state: TargetState) -> str:
    """Return the server whose slowness would delay a target, "" where there is none."""
    source = state.target.source if state.target is not None else None
    return urlsplit(source.url).netloc if isinstance(source, GitSource) else ""
