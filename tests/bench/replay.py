"""Many targets out of one: what the API server stored of it, written again with other names.

100,000 applies take longer than all that is measured with them. What is copied are the bytes that
the API server itself has put into etcd, its protobuf; only the namespace and the uid are others of
the same length, so that no length that is written before a string changes. The API server then
tells its watches of the copies as of any object.
"""

from __future__ import annotations

import re
import uuid
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from bench.fleet import Fleet
    from controlplane.plane import ControlPlane

# Where the API server stores the kinds of a fleet.
STORED: Final = (
    "deployments",
    "services/specs",
    "configmaps",
    "serviceaccounts",
    "networkpolicies",
)
# What a fleet's own objects are called; controllers add others to a namespace.
_OWN: Final = re.compile(r"/web-\d+$")
_UID: Final = re.compile(rb"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")


def replay(plane: ControlPlane, fleet: Fleet, targets: Iterable[int]) -> None:
    """Write copies of what target 0 has into the namespaces of others.

    The controller manager has to be stopped: it would make a ReplicaSet and an EndpointSlice for
    each, which is not what is measured.
    """
    original = fleet.namespace(0)
    stored = {
        key: value
        for place in STORED
        for key, value in plane.etcd.read(f"{place}/{original}/").items()
        if _OWN.search(key)
    }
    if len(stored) != fleet.per_target:
        raise AssertionError(f"{original} has {len(stored)} objects, not {fleet.per_target}")
    for target in targets:
        plane.etcd.write(copied(stored, original, fleet.namespace(target)))


def copied(stored: Mapping[str, bytes], original: str, namespace: str) -> dict[str, bytes]:
    """Return objects as they are stored, in another namespace and with uids of their own.

    Raises ValueError where the namespaces differ in length, or an object has not one uid.
    """
    if len(original) != len(namespace):
        raise ValueError(f"{namespace} is not as long as {original}")
    copies = {}
    for key, value in stored.items():
        uids = set(_UID.findall(value))
        if len(uids) != 1:
            raise ValueError(f"{key} has {len(uids)} uids: whose are they?")
        moved = value.replace(original.encode(), namespace.encode())
        new = str(uuid.uuid4()).encode()
        copies[key.replace(original, namespace)] = moved.replace(uids.pop(), new)
    return copies
