"""One live object, and all that it is judged by."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from leadsman.compare.kinds.nodes import Node
    from leadsman.compare.owners.managers import Trust
    from leadsman.compare.owners.ownership import Ownership
    from leadsman.model.identity import Gvk
    from leadsman.model.json import JsonObject


@dataclass(frozen=True, slots=True)
class Subject:
    """A live object in the version ``gvk`` beside Git's, neither of which is changed.

    ``node`` is what is known of the kind, ``trust`` who is trusted with this object.
    """

    wanted: JsonObject
    live: JsonObject
    gvk: Gvk
    node: Node
    ownership: Ownership
    trust: Trust
