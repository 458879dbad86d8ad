"""Leases (``coordination.k8s.io/v1``): by what processes agree who of them works.

Everything is written on condition that nobody else has written meanwhile, which the API server
decides by the resourceVersion.
"""

from __future__ import annotations

from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING

import orjson

from leadsman.errors import KubeError
from leadsman.kube.client import JSON, MERGE_PATCH
from leadsman.kube.discovery import ApiResource
from leadsman.kube.objects import decode_json
from leadsman.kube.status import NOT_FOUND

if TYPE_CHECKING:
    from leadsman.kube.client import Client
    from leadsman.model.json import JsonObject

LEASES = ApiResource("coordination.k8s.io", "v1", "Lease", "leases", namespaced=True)

# As on all that deploy/ installs: for people, who find them by it.
_LABELS = {"app.kubernetes.io/name": "leadsman", "app.kubernetes.io/part-of": "leadsman"}


@dataclass(frozen=True, slots=True)
class Lease:
    """A Lease, stored or to be stored.

    ``holder`` empty: nobody holds it. ``seconds`` without a change and it counts as nobody's.
    ``acquired`` and ``renewed`` are for people (RFC 3339). ``version`` is the resourceVersion that
    was read, "" of a Lease that is not there yet.
    """

    name: str
    holder: str = ""
    seconds: int = 0
    acquired: str = ""
    renewed: str = ""
    transitions: int = 0
    version: str = ""

    @classmethod
    def read(cls, item: JsonObject) -> Lease:
        """Take a Lease from the API server's JSON; what is not set is empty or 0."""
        metadata, spec = item["metadata"], item.get("spec") or {}
        return cls(
            name=str(metadata["name"]),
            holder=str(spec.get("holderIdentity") or ""),
            seconds=int(spec.get("leaseDurationSeconds") or 0),
            acquired=str(spec.get("acquireTime") or ""),
            renewed=str(spec.get("renewTime") or ""),
            transitions=int(spec.get("leaseTransitions") or 0),
            version=str(metadata.get("resourceVersion") or ""),
        )

    @property
    def spec(self) -> JsonObject:
        """The spec as the API server takes it."""
        return {
            "holderIdentity": self.holder,
            "leaseDurationSeconds": self.seconds,
            "acquireTime": self.acquired,
            "renewTime": self.renewed,
            "leaseTransitions": self.transitions,
        }


class LeaseStore:
    """The Leases of one namespace. Nothing is tried twice: who asks knows how long that may take.

    All methods raise KubeError where the API server refuses or cannot be reached.
    """

    def __init__(self, client: Client, namespace: str) -> None:
        self.namespace = namespace
        self._client = client

    async def list(self) -> dict[str, Lease]:
        """Return all Leases by name, as they were at one moment after the call."""
        path = LEASES.path(self.namespace)
        answer = await self._client.exchange("GET", path, tries=1)
        leases = [Lease.read(item) for item in decode_json(answer.body)["items"]]
        return {lease.name: lease for lease in leases}

    async def write(self, lease: Lease) -> Lease | None:
        """Store a Lease and return it as it is stored; None where somebody else was faster.

        It is created if it has no version, else changed if it still has that version. By a patch,
        so that labels and whatever else others have put on it stay.
        """
        metadata: JsonObject = {"name": lease.name}
        if lease.version:
            method, path = "PATCH", LEASES.path(self.namespace, lease.name)
            content_type = MERGE_PATCH
            metadata["resourceVersion"] = lease.version
        else:
            method, path, content_type = "POST", LEASES.path(self.namespace), JSON
            metadata["labels"] = _LABELS
        body = {
            "apiVersion": LEASES.gvk.api_version,
            "kind": LEASES.kind,
            "metadata": metadata,
            "spec": lease.spec,
        }
        try:
            answer = await self._client.exchange(
                method,
                path,
                body=orjson.dumps(body),
                headers={"Content-Type": content_type},
                tries=1,
            )
        except KubeError as error:
            gone = error.status == NOT_FOUND and method == "PATCH"
            if error.status == HTTPStatus.CONFLICT or gone:
                return None
            raise
        return Lease.read(decode_json(answer.body))
