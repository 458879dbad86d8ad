"""Which namespaces something holds for."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Scope:
    """The namespaces that are named or, with ``others``, all but these.

    Objects of cluster-scoped kinds are in the namespace ``""``.
    """

    named: frozenset[str] = frozenset()
    others: bool = False

    def __contains__(self, namespace: str) -> bool:
        return (namespace in self.named) is not self.others


EVERYWHERE = Scope(others=True)
