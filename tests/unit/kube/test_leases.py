from __future__ import annotations

import asyncio
import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from leadsman.errors import KubeError
from leadsman.kube.leases import Lease, LeaseStore
from unit.kube.playback import Playback, reply, status

if TYPE_CHECKING:
    from leadsman.kube.client import Client

PATH = "/apis/coordination.k8s.io/v1/namespaces/leadsman-system/leases"
LEASE = Lease(
    name="leadsman-shard-0",
    holder="leadsman-0_1",
    seconds=15,
    acquired="2026-11-28T00:00:00.000000Z",
    renewed="2026-11-28T00:00:05.000000Z",
    transitions=3,
    version="42",
)
STORED = {
    "metadata": {"name": "leadsman-shard-0", "resourceVersion": "42", "labels": {"a": "b"}},
    "spec": {
        "holderIdentity": "leadsman-0_1",
        "leaseDurationSeconds": 15,
        "acquireTime": "2026-11-28T00:00:00.000000Z",
        "renewTime": "2026-11-28T00:00:05.000000Z",
        "leaseTransitions": 3,
    },
}
CHANGED = status(409, "Conflict", "the object has been modified", name="leadsman-shard-0")
THERE = status(409, "AlreadyExists", "it already exists", name="leadsman-shard-0")
GONE = status(404, "NotFound", 'leases "leadsman-shard-0" not found', name="leadsman-shard-0")
NO_NAMESPACE = status(404, "NotFound", 'namespaces "leadsman-system" not found')


@pytest.fixture
def store(client: Client) -> LeaseStore:
    return LeaseStore(client, "leadsman-system")


async def test_a_list_names_its_leases(store: LeaseStore, server: Playback) -> None:
    empty = {"metadata": {"name": "other"}}
    found, (asked,) = await asyncio.gather(
        store.list(), server.answers(reply({"items": [STORED, empty]}))
    )
    assert found == {"leadsman-shard-0": LEASE, "other": Lease("other")}
    # Nothing that the API server might answer from what it remembers.
    assert (asked.method, asked.path, asked.query) == ("GET", PATH, {})


async def test_what_is_there_is_changed_if_it_is_as_it_was_read(
    store: LeaseStore, server: Playback
) -> None:
    answer = {**STORED, "metadata": {"name": "leadsman-shard-0", "resourceVersion": "43"}}
    written, (asked,) = await asyncio.gather(store.write(LEASE), server.answers(reply(answer)))
    assert written == replace(LEASE, version="43")
    assert (asked.method, asked.path) == ("PATCH", f"{PATH}/leadsman-shard-0")
    assert asked.headers["Content-Type"] == "application/merge-patch+json"
    body = json.loads(asked.body)
    assert body["metadata"] == {"name": "leadsman-shard-0", "resourceVersion": "42"}
    assert body["spec"] == STORED["spec"]


async def test_what_is_not_there_is_created(store: LeaseStore, server: Playback) -> None:
    written, (asked,) = await asyncio.gather(
        store.write(replace(LEASE, version="")), server.answers(reply(STORED, 201))
    )
    assert written == LEASE
    assert (asked.method, asked.path) == ("POST", PATH)
    metadata = json.loads(asked.body)["metadata"]
    assert metadata["name"] == "leadsman-shard-0"
    assert metadata["labels"]["app.kubernetes.io/name"] == "leadsman"
    assert "resourceVersion" not in metadata


@pytest.mark.parametrize(("version", "refusal"), [("42", CHANGED), ("42", GONE), ("", THERE)])
async def test_somebody_else_was_faster(
    store: LeaseStore, server: Playback, version: str, refusal: dict[str, Any]
) -> None:
    written, _ = await asyncio.gather(
        store.write(replace(LEASE, version=version)),
        server.answers(reply(refusal, refusal["code"])),
    )
    assert written is None


@pytest.mark.parametrize(
    ("version", "refusal"),
    [("", NO_NAMESPACE), ("42", status(503, "ServiceUnavailable", "etcd is away"))],
)
async def test_nothing_is_tried_twice(
    store: LeaseStore, server: Playback, version: str, refusal: dict[str, Any]
) -> None:
    async def refused() -> None:
        with pytest.raises(KubeError) as caught:
            await store.write(replace(LEASE, version=version))
        assert caught.value.status == refusal["code"]

    await asyncio.gather(refused(), server.answers(reply(refusal, refusal["code"])))
    assert server.asked == 1
