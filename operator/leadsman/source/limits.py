"""How much of the machine one repository may take."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds on what a repository may cost; sizes are bytes.

    ``repository`` bounds what is fetched, compressed as it is kept; ``files`` what a commit holds
    and ``checkout`` what is written out of it, both with submodules; ``listing`` the answer to
    ``ls-remote``. ``per_host`` git processes talk to one server at a time, so that one that hangs
    delays no target of another.
    """

    repository: int = 512 << 20
    checkout: int = 512 << 20
    files: int = 100_000
    listing: int = 64 << 20
    per_host: int = 8
