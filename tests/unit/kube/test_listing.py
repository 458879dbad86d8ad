from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest

from leadsman.errors import KubeError
from leadsman.kube import listing
from leadsman.kube.discovery import ApiResource
from leadsman.kube.listing import Page, list_pages
from leadsman.kube.objects import decode_meta
from unit.kube.playback import Playback, listed, reply, status

if TYPE_CHECKING:
    from leadsman.kube.client import Client

CONFIG_MAPS = ApiResource("", "v1", "ConfigMap", "configmaps", namespaced=True)
EXPIRED = status(
    410,
    "Expired",
    "The provided continue parameter is too old to display a consistent list result. You can "
    "start a new list without the continue parameter, or use the continue token in this response "
    "to retrieve the remainder of the results.",
)

pytestmark = pytest.mark.usefixtures("hasty")


def page(version: int, *names: str, more: str = "", remaining: int | None = None) -> Any:
    metadata: dict[str, Any] = {"resourceVersion": str(version)}
    if more:
        metadata |= {"continue": more, "remainingItemCount": remaining}
    items = [listed(name, 1, data={"pad": "x" * 1000}) for name in names]
    return {"kind": "ConfigMapList", "apiVersion": "v1", "metadata": metadata, "items": items}


async def read(client: Client, namespace: str = "", **options: Any) -> list[Page]:
    return [found async for found in list_pages(client, CONFIG_MAPS, namespace, **options)]


def names(found: Page) -> list[str]:
    return [decode_meta(raw).name for raw in found.items]


async def test_pages_follow_one_another(client: Client, server: Playback) -> None:
    pages, asked = await asyncio.gather(
        read(client),
        server.answers(
            reply(page(5, "a", "b", more="more", remaining=1)),
            reply(page(5, "c")),
        ),
    )
    assert [names(one) for one in pages] == [["a", "b"], ["c"]]
    assert [(one.first, one.last, one.remaining) for one in pages] == [
        (True, False, 1),
        (False, True, 0),
    ]
    assert {one.version for one in pages} == {"5"}
    assert asked[0].path == "/api/v1/configmaps"
    assert "continue" not in asked[0].query
    assert "resourceVersion" not in asked[0].query
    assert asked[1].query["continue"] == "more"


async def test_a_namespaces_list_may_be_metadata_only(client: Client, server: Playback) -> None:
    _, (asked,) = await asyncio.gather(
        read(client, "shop", metadata_only=True), server.answers(reply(page(5)))
    )
    assert asked.path == "/api/v1/namespaces/shop/configmaps"
    assert "as=PartialObjectMetadataList" in asked.headers["Accept"]


async def test_an_empty_list_is_one_empty_page(client: Client, server: Playback) -> None:
    empty = {**page(5), "items": None}
    (found,), _ = await asyncio.gather(read(client), server.answers(reply(empty)))
    assert (found.items, found.first, found.last) == ([], True, True)


async def test_an_expired_list_begins_again_and_at_last_in_one_piece(
    client: Client, server: Playback
) -> None:
    pages, asked = await asyncio.gather(
        read(client),
        server.answers(
            reply(page(5, "a", more="t1", remaining=9)),
            reply(EXPIRED, 410),
            reply(page(6, "a", more="t2", remaining=9)),
            reply(EXPIRED, 410),
            reply(page(7, "a", "b")),
        ),
    )
    assert [(names(one), one.first) for one in pages] == [
        (["a"], True),
        (["a"], True),
        (["a", "b"], True),
    ]
    assert "limit" not in asked[4].query
    assert "continue" not in asked[4].query


async def test_a_list_that_is_gone_from_the_start_is_an_error(
    client: Client, server: Playback
) -> None:
    with pytest.raises(KubeError, match="too old"):
        await asyncio.gather(read(client), server.answers(reply(EXPIRED, 410)))


@pytest.mark.parametrize(("page_bytes", "limit"), [(1, "10"), (25_000, "22"), (10**9, "500")])
async def test_pages_have_about_the_same_size(
    client: Client,
    server: Playback,
    monkeypatch: pytest.MonkeyPatch,
    page_bytes: int,
    limit: str,
) -> None:
    monkeypatch.setattr(listing, "_PAGE_BYTES", page_bytes)
    _, asked = await asyncio.gather(
        read(client),
        server.answers(reply(page(5, *"abcdefgh", more="more", remaining=1)), reply(page(5))),
    )
    assert [one.query["limit"] for one in asked] == ["100", limit]


async def test_what_is_no_list_is_said(client: Client, server: Playback) -> None:
    with pytest.raises(KubeError, match="this is no list"):
        await asyncio.gather(read(client), server.answers(reply({"kind": "Pod"})))
