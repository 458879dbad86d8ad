from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from leadsman.app.tenure import Tenure, TenuredClient
from leadsman.errors import KubeError
from unit.kube.playback import Playback, reply

if TYPE_CHECKING:
    from leadsman.kube.client import Client

PATH = "/apis/leadsman.dev/v1alpha1/namespaces/shop/driftreports/web"
# Seconds.
AGES, SOON = 600.0, 0.2


class Remaining:
    """The time that is left, as the test says it."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds

    def __call__(self) -> float:
        return self.seconds


async def write(client: TenuredClient, *, report: bool) -> None:
    if report:
        await client.apply(PATH, {}, manager="me")
    else:
        await client.request("POST", PATH, body={})


async def test_in_time_all_goes_through(client: Client, server: Playback) -> None:
    tenured = TenuredClient(client, Tenure(lambda: AGES))
    body = {"kind": "DriftReport"}
    applied, (first,) = await asyncio.gather(
        tenured.apply(PATH, body, manager="me", force=True), server.answers(reply({"a": 1}))
    )
    assert applied == {"a": 1}
    assert (first.method, first.query) == ("PATCH", {"fieldManager": "me", "force": "true"})
    made, (second,) = await asyncio.gather(
        tenured.request("POST", PATH, body=body), server.answers(reply({"b": 2}))
    )
    assert made == {"b": 2}
    assert (second.method, second.headers["Content-Type"]) == ("POST", "application/json")


@pytest.mark.parametrize("seconds", [0.0, -1.0, float("-inf")])
async def test_when_the_time_is_over_nothing_is_sent(
    client: Client, server: Playback, seconds: float
) -> None:
    tenured = TenuredClient(client, Tenure(lambda: seconds))
    for asking in (tenured.apply(PATH, {}, manager="me"), tenured.request("POST", PATH, body={})):
        with pytest.raises(KubeError, match="not sent") as caught:
            await asking
        assert caught.value.reason == "LeaseLost"
    assert server.asked == 0


@pytest.mark.parametrize("report", [True, False], ids=["report", "Event"])
async def test_what_is_under_way_is_cut_off_when_the_time_is_over(
    client: Client, server: Playback, *, report: bool
) -> None:
    tenure = Tenure(lambda: SOON)
    asking = asyncio.create_task(write(TenuredClient(client, tenure), report=report))
    exchange = await server.accept()
    with pytest.raises(KubeError, match="cut off"):
        await asking
    await exchange.left()
    assert tenure.cut is report


async def test_what_is_under_way_has_the_time_that_was_gained(
    client: Client, server: Playback
) -> None:
    remaining = Remaining(SOON)
    tenure = Tenure(remaining)
    tenured = TenuredClient(client, tenure)
    asking = asyncio.create_task(tenured.request("POST", PATH, body={}))
    exchange = await server.accept()
    remaining.seconds = AGES
    tenure.prolong()
    # Longer than there was before.
    await asyncio.sleep(2 * SOON)
    await exchange.reply({"a": 1})
    assert await asking == {"a": 1}
    tenure.prolong()
    assert not tenure.cut


@pytest.mark.parametrize("report", [True, False], ids=["report", "Event"])
async def test_who_is_cancelled_from_outside_is_cancelled(
    client: Client, server: Playback, *, report: bool
) -> None:
    tenure = Tenure(lambda: AGES)
    asking = asyncio.create_task(write(TenuredClient(client, tenure), report=report))
    await server.accept()
    asking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asking
    assert tenure.cut is report
