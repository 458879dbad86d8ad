from __future__ import annotations

import asyncio
from contextlib import suppress
from dataclasses import replace

import pytest

from leadsman.errors import KubeError
from leadsman.model.finding import State
from leadsman.report.writer import ReportWriter
from unit.report.apiserver import ApiServer, api_server
from unit.report.samples import FAILURE, NOW, TARGET, finding, status

PATH = "/apis/leadsman.dev/v1alpha1/namespaces/flux/driftreports/shop"
BOTH = [("PATCH", PATH), ("PATCH", f"{PATH}/status")]


class Clock:
    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> float:
        return self.now


def conditions(server: ApiServer) -> dict[str, str]:
    told = server.objects[PATH]["status"]["conditions"]
    return {item["type"]: item["lastTransitionTime"] for item in told}


async def test_a_report_is_written_once() -> None:
    async with api_server() as server:
        writer = ReportWriter(server.client)
        assert await writer.write(status(finding()))
        assert not await writer.write(status(finding(), checked_at=NOW + 60))
        assert server.requests == BOTH
        assert all(query["fieldManager"] == "leadsman" for query in server.queries)
        assert all(query["force"] == "true" for query in server.queries)
        report = server.objects[PATH]
        assert report["metadata"]["ownerReferences"][0]["uid"] == "0a-1b"
        assert report["spec"] == {"target": {"kind": "DriftCheck", "name": "shop"}}
        assert report["status"]["verdict"] == "Drifted"


async def test_news_goes_to_the_status_only() -> None:
    clock = Clock()
    async with api_server() as server:
        writer = ReportWriter(server.client, now=clock)
        await writer.write(status(finding()))
        clock.now += 60
        assert await writer.write(status(finding(), failure=FAILURE))
        assert server.requests[2:] == [("PATCH", f"{PATH}/status")]
        assert "spec" not in server.bodies[2]
        assert conditions(server) == {
            "Ready": "2026-11-23T12:01:00Z",
            "InSync": "2026-11-23T12:00:00Z",
            "Suspended": "2026-11-23T12:00:00Z",
        }


async def test_a_restart_writes_nothing_again() -> None:
    clock = Clock()
    async with api_server() as server:
        await ReportWriter(server.client, now=clock).write(status(finding()))
        server.requests.clear()
        clock.now += 60
        writer = ReportWriter(server.client, now=clock)
        restored = writer.adopt(server.objects[PATH])
        assert restored is not None
        assert restored.key == TARGET
        assert not await writer.write(status(finding()))
        assert await writer.write(status(finding(), finding("db", State.MISSING)))
        assert server.requests == [("PATCH", f"{PATH}/status")]
        assert set(conditions(server).values()) == {"2026-11-23T12:00:00Z"}


async def test_a_report_of_another_owner_is_taken_over() -> None:
    async with api_server() as server:
        writer = ReportWriter(server.client)
        await writer.write(status())
        # The DriftCheck was deleted and made again.
        assert await writer.write(status(uid="new"))
        assert server.requests == BOTH * 2
        assert server.objects[PATH]["metadata"]["ownerReferences"][0]["uid"] == "new"
        orphan = server.objects[PATH]
        del orphan["metadata"]["ownerReferences"]
        writer.adopt(orphan)
        assert await writer.write(status(uid="new"))
        assert server.requests == BOTH * 3


async def test_a_deleted_report_is_made_again() -> None:
    async with api_server() as server:
        writer = ReportWriter(server.client)
        await writer.write(status())
        server.objects.clear()
        # Nobody has told: found out at the next news.
        assert await writer.write(status(finding()))
        assert server.requests[2:] == [("PATCH", f"{PATH}/status"), *BOTH]
        server.objects.clear()
        writer.forget(TARGET)
        assert await writer.write(status(finding()))
        assert server.objects[PATH]["status"]["verdict"] == "Drifted"


async def test_what_was_refused_is_written_the_next_time() -> None:
    outcomes: list[str] = []
    async with api_server() as server:
        writer = ReportWriter(server.client, observe=outcomes.append)
        await writer.write(status())
        server.refusals = [(403, "Forbidden")]
        with pytest.raises(KubeError, match="refused: Forbidden"):
            await writer.write(status(finding()))
        assert await writer.write(status(finding()))
        assert not await writer.write(status(finding()))
        # Also what was there before: nobody knows what a refused write has left.
        server.refusals = [(422, "Invalid")]
        with pytest.raises(KubeError):
            await writer.write(status())
        assert await writer.write(status(finding()))
    assert outcomes == ["written", "failed", "written", "failed", "written"]


async def test_a_report_that_could_not_be_created_is_created_the_next_time() -> None:
    async with api_server() as server:
        writer = ReportWriter(server.client)
        server.refusals = [(403, "Forbidden")]
        with pytest.raises(KubeError):
            await writer.write(status())
        assert PATH not in server.objects
        assert await writer.write(status())
        assert server.requests[1:] == BOTH


async def test_a_write_that_was_cancelled_is_done_again() -> None:
    async with api_server() as server:
        writer = ReportWriter(server.client)
        await writer.write(status())
        server.arrived.clear()
        server.mute = True
        task = asyncio.create_task(writer.write(status(finding())))
        await server.arrived.wait()
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
        assert task.cancelled()
        server.mute = False
        assert await writer.write(status(finding()))


async def test_what_was_cut_stays_said_while_the_target_cannot_be_checked() -> None:
    async with api_server() as server:
        long = status(finding(changes=(replace(finding().changes[0], live="x" * 50_000),)))
        await ReportWriter(server.client).write(long)
        assert server.objects[PATH]["status"]["truncated"] == {"values": 1}
        writer = ReportWriter(server.client)
        restored = writer.adopt(server.objects[PATH])
        assert restored is not None
        for reason in ("Timeout", "AuthenticationFailed"):
            failing = replace(restored, failure=replace(FAILURE, reason=reason))
            assert await writer.write(failing)
            assert server.objects[PATH]["status"]["truncated"] == {"values": 1}


async def test_what_is_no_report_is_not_adopted() -> None:
    async with api_server() as server:
        assert ReportWriter(server.client).adopt({"spec": {}, "status": {}}) is None
