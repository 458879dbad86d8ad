from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest

from leadsman.compare.kinds.schema import Schema
from leadsman.errors import KubeError
from leadsman.live.schemas import Schemas
from leadsman.model.identity import Gvk

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from leadsman.kube.client import Client
    from unit.kube.playback import Playback

FOO, BAR = Gvk("ex.test", "v1", "Foo"), Gvk("ex.test", "v1", "Bar")

pytestmark = pytest.mark.usefixtures("hasty")


def document(*kinds: str) -> dict[str, Any]:
    return {
        "openapi": "3.0.0",
        "components": {
            "schemas": {
                f"test.ex.v1.{kind}": {
                    "type": "object",
                    "properties": {"spec": {"type": "object"}},
                    "x-kubernetes-group-version-kind": [
                        {"group": "ex.test", "version": "v1", "kind": kind}
                    ],
                }
                for kind in kinds
            }
        },
    }


class Api:
    """Serves OpenAPI documents, by group-version."""

    def __init__(self) -> None:
        self.hashes = {"apis/ex.test/v1": "1", "api/v1": "1"}
        self.document = document("Foo", "Bar")
        self.asked: list[str] = []
        self.broken = False
        self.during_read: Callable[[], None] = lambda: None

    async def serve(self, server: Playback) -> None:
        while True:
            exchange = await server.accept()
            self.asked.append(exchange.path)
            if self.broken:
                await exchange.reply(b"404 page not found", 404)
            elif exchange.path == "/openapi/v3":
                paths = {
                    path: {"serverRelativeURL": f"/openapi/v3/{path}?hash={hashed}"}
                    for path, hashed in self.hashes.items()
                }
                await exchange.reply({"paths": paths})
            else:
                answer = self.document
                self.during_read()
                await exchange.reply(answer)


@pytest.fixture
async def api(server: Playback) -> AsyncIterator[Api]:
    made = Api()
    task = asyncio.create_task(made.serve(server))
    yield made
    task.cancel()


async def test_those_who_ask_at_once_share_one_document(client: Client, api: Api) -> None:
    schemas = Schemas(client)
    found = await asyncio.gather(*(schemas.schema(gvk) for gvk in (FOO, BAR, FOO)))
    assert all(isinstance(one, Schema) for one in found)
    assert found[0] is found[2]
    assert api.asked == ["/openapi/v3", "/openapi/v3/apis/ex.test/v1"]
    assert await schemas.schema(BAR) is found[1]
    assert len(api.asked) == 2


async def test_a_kind_without_a_schema_has_none(client: Client, api: Api) -> None:
    schemas = Schemas(client)
    assert await schemas.schema(Gvk("ex.test", "v1", "Nothing")) is None
    assert await schemas.schema(Gvk("no.such", "v1", "Foo")) is None
    assert api.asked == ["/openapi/v3", "/openapi/v3/apis/ex.test/v1"]


async def test_a_refresh_tells_what_changed_and_reads_only_that(client: Client, api: Api) -> None:
    schemas = Schemas(client)
    before = await schemas.schema(FOO)
    api.asked.clear()
    assert await schemas.refresh() == frozenset()
    assert await schemas.schema(FOO) is before
    assert api.asked == ["/openapi/v3"]
    api.hashes = {"apis/ex.test/v1": "2", "apis/new.test/v1": "1"}
    assert await schemas.refresh() == {"ex.test/v1", "v1", "new.test/v1"}
    assert await schemas.schema(FOO) is not before
    assert api.asked[-1] == "/openapi/v3/apis/ex.test/v1"


async def test_another_kubernetes_makes_all_schemas_anew(client: Client, api: Api) -> None:
    version = "v1.36.1"
    schemas = Schemas(client, lambda: version)
    before = await schemas.schema(FOO)
    version = "v1.36.2"
    assert await schemas.refresh() == frozenset()
    assert await schemas.schema(FOO) is before
    version = "v1.37.0"
    assert await schemas.refresh() == {"ex.test/v1", "v1"}
    assert await schemas.schema(FOO) is not before
    assert api.asked[-1] == "/openapi/v3/apis/ex.test/v1"


async def test_a_kind_that_was_not_there_is_found_once_it_is(client: Client, api: Api) -> None:
    schemas = Schemas(client)
    del api.hashes["apis/ex.test/v1"]
    assert await schemas.schema(FOO) is None
    api.hashes["apis/ex.test/v1"] = "1"
    assert await schemas.refresh() == {"ex.test/v1"}
    assert await schemas.schema(FOO) is not None


async def test_a_document_that_changes_while_it_is_read_is_read_again(
    client: Client, api: Api
) -> None:
    schemas = Schemas(client)
    api.document = document("Bar")
    refreshing: list[asyncio.Task[Any]] = []

    def change() -> None:
        api.during_read = lambda: None
        api.document = document("Foo", "Bar")
        api.hashes["apis/ex.test/v1"] = "2"
        refreshing.append(asyncio.create_task(schemas.refresh()))

    await schemas.refresh()
    # The old document is on its way when the index says that there is another.
    api.during_read = change
    found = await schemas.schema(FOO)
    await asyncio.gather(*refreshing)
    found = found or await schemas.schema(FOO)
    assert isinstance(found, Schema)


@pytest.mark.usefixtures("api")
async def test_who_gives_up_leaves_the_others_their_answer(client: Client) -> None:
    schemas = Schemas(client)
    first = asyncio.create_task(schemas.schema(FOO))
    second = asyncio.create_task(schemas.schema(BAR))
    await asyncio.sleep(0)
    first.cancel()
    assert isinstance(await second, Schema)


async def test_an_error_is_everybodys_and_not_for_ever(client: Client, api: Api) -> None:
    schemas = Schemas(client)
    api.broken = True
    with pytest.raises(KubeError):
        await schemas.schema(FOO)
    api.broken = False
    assert isinstance(await schemas.schema(FOO), Schema)
