from __future__ import annotations

import asyncio
import json

import pytest

from leadsman.errors import KubeError
from leadsman.kube import transport
from leadsman.kube.access import Access, ClusterConfig, FixedAccess
from leadsman.kube.client import Client
from leadsman.kube.status import NotServedError
from unit.kube.playback import Answer, Exchange, Playback, cut, playing, reply, status

PATH = "/api/v1/namespaces/shop/secrets/db"
FORBIDDEN = status(
    403,
    "Forbidden",
    'secrets "db" is forbidden: User "system:serviceaccount:leadsman:leadsman" cannot get '
    'resource "secrets" in API group "" in the namespace "shop"',
    name="db",
    kind="secrets",
)
NOT_FOUND = status(404, "NotFound", 'secrets "db" not found', name="db", kind="secrets")
UNAUTHORIZED = status(401, "Unauthorized", "Unauthorized")
BUSY = status(429, "TooManyRequests", "too many requests, please try again later")

pytestmark = pytest.mark.usefixtures("hasty")


class Rotating:
    """Credentials of which the API server no longer takes the first."""

    def __init__(self, *tokens: str) -> None:
        self._tokens = list(tokens)

    async def current(self) -> Access:
        return Access(None, f"Bearer {self._tokens[0]}")

    async def renew(self, rejected: Access) -> Access:
        if len(self._tokens) > 1 and rejected == await self.current():
            del self._tokens[0]
        return await self.current()


async def test_get_sends_credentials_and_decodes_the_answer(server: Playback) -> None:
    access = FixedAccess(Access(None, "Bearer secret"))
    async with Client(ClusterConfig(server.url, access)) as client:
        found, (asked,) = await asyncio.gather(
            client.get(PATH, {"limit": "1"}), server.answers(reply({"kind": "Secret"}))
        )
    assert found == {"kind": "Secret"}
    assert (asked.method, asked.path, asked.query) == ("GET", PATH, {"limit": "1"})
    assert asked.headers["Authorization"] == "Bearer secret"
    assert asked.headers["User-Agent"].startswith("leadsman/")


async def test_names_reach_the_server_as_they_are(client: Client, server: Playback) -> None:
    path = "/apis/rbac.authorization.k8s.io/v1/clusterroles/system%3Anode"
    _, (asked,) = await asyncio.gather(client.get(path), server.answers(reply({})))
    assert asked.path.endswith("/clusterroles/system:node")


@pytest.mark.parametrize(
    ("answer", "reason", "code", "retryable", "text"),
    [
        (reply(FORBIDDEN, 403), "Forbidden", 403, False, 'cannot get resource "secrets"'),
        (reply(NOT_FOUND, 404), "NotFound", 404, False, 'secrets "db" not found'),
        (reply(status(409, "Conflict", "Apply failed"), 409), "Conflict", 409, True, "Apply fail"),
        (reply(b"404 page not found", 404), "NotFound", 404, False, "does not serve this path"),
        (reply(b"<html>teapot</html>", 418), "UnexpectedAnswer", 418, False, "teapot"),
        (reply(b"", 302, {"Location": "http://192.0.2.1/"}), "UnexpectedAnswer", 302, False, "302"),
    ],
)
async def test_refusals_keep_the_api_servers_words(
    client: Client,
    server: Playback,
    *,
    answer: Answer,
    reason: str,
    code: int,
    retryable: bool,
    text: str,
) -> None:
    with pytest.raises(KubeError) as caught:
        await asyncio.gather(client.get(PATH), server.answers(answer))
    error = caught.value
    assert (error.reason, error.status, error.retryable) == (reason, code, retryable)
    assert text in error.message
    assert server.asked == 1


@pytest.mark.parametrize(("seconds", "retryable"), [(60.0, True), (0.0, False)])
async def test_a_refusal_is_doubted_where_the_connection_was_lost_just_before(
    client: Client,
    server: Playback,
    monkeypatch: pytest.MonkeyPatch,
    *,
    seconds: float,
    retryable: bool,
) -> None:
    """An API server that has just started refuses everybody until it has read its roles."""
    monkeypatch.setattr(transport, "_DOUBTED_FOR", seconds)
    # The HTTP library bears the first cut by itself.
    answers = server.answers(cut, cut, reply(FORBIDDEN, 403))
    with pytest.raises(KubeError) as caught:
        await asyncio.gather(client.get(PATH), answers)
    assert (caught.value.reason, caught.value.retryable) == ("Forbidden", retryable)


async def test_an_unknown_path_is_told_from_a_missing_object(
    client: Client, server: Playback
) -> None:
    with pytest.raises(NotServedError):
        await asyncio.gather(client.get(PATH), server.answers(reply(b"404 page not found", 404)))
    with pytest.raises(KubeError) as caught:
        await asyncio.gather(client.get(PATH), server.answers(reply(NOT_FOUND, 404)))
    assert not isinstance(caught.value, NotServedError)


@pytest.mark.parametrize("trouble", [reply(b"", 500), reply(b"", 503), reply(BUSY, 429), cut])
async def test_reading_is_tried_again(client: Client, server: Playback, trouble: Answer) -> None:
    # aiohttp itself repeats a request once whose connection was cut.
    found, _ = await asyncio.gather(
        client.get(PATH), server.answers(trouble, trouble, reply({"kind": "Secret"}))
    )
    assert found == {"kind": "Secret"}


async def test_reading_is_given_up_after_four_tries(client: Client, server: Playback) -> None:
    down = reply(status(503, "ServiceUnavailable", "the server is currently unable"), 503)
    with pytest.raises(KubeError, match="currently unable") as caught:
        await asyncio.gather(client.get(PATH), server.answers(down, down, down, down))
    assert (caught.value.reason, caught.value.retryable) == ("ServiceUnavailable", True)
    assert server.asked == 4


async def test_creating_is_not_repeated_unless_nothing_was_done(
    client: Client, server: Playback
) -> None:
    create = {"kind": "Event"}
    with pytest.raises(KubeError) as caught:
        await asyncio.gather(
            client.request("POST", "/api/v1/events", body=create), server.answers(reply(b"", 500))
        )
    assert caught.value.reason == "InternalError"
    await asyncio.gather(
        client.request("POST", "/api/v1/events", body=create),
        server.answers(reply(BUSY, 429), reply(create, 201)),
    )
    assert server.asked == 3


async def test_retry_after_is_obeyed_within_reason(client: Client, server: Playback) -> None:
    loop = asyncio.get_running_loop()
    started = loop.time()
    await asyncio.gather(
        client.get(PATH),
        server.answers(reply(BUSY, 429, {"Retry-After": "0.2"}), reply({})),
    )
    assert loop.time() - started >= 0.2
    with pytest.raises(KubeError, match="too many requests"):
        await asyncio.gather(
            client.get(PATH), server.answers(reply(BUSY, 429, {"Retry-After": "3600"}))
        )


async def test_a_rejected_token_is_replaced_once(server: Playback) -> None:
    async with Client(ClusterConfig(server.url, Rotating("old", "new"))) as client:
        found, asked = await asyncio.gather(
            client.get(PATH),
            server.answers(reply(UNAUTHORIZED, 401), reply({"kind": "Secret"})),
        )
        assert found == {"kind": "Secret"}
        assert [one.headers["Authorization"] for one in asked] == ["Bearer old", "Bearer new"]
        with pytest.raises(KubeError) as caught:
            await asyncio.gather(client.get(PATH), server.answers(reply(UNAUTHORIZED, 401)))
    assert (caught.value.reason, caught.value.status) == ("Unauthorized", 401)
    assert "new" not in caught.value.message.split()


async def test_unauthorized_says_whose_credentials_they_were(server: Playback) -> None:
    config = ClusterConfig(server.url, origin="context 'prod' of ~/.kube/config")
    async with Client(config) as client:
        with pytest.raises(KubeError, match="does not accept the credentials of context 'prod'"):
            await asyncio.gather(client.get(PATH), server.answers(reply(UNAUTHORIZED, 401)))


async def test_an_unreachable_server_is_named_without_clutter() -> None:
    async with playing() as gone:
        url = gone.url
    async with Client(ClusterConfig(url)) as client:
        with pytest.raises(KubeError) as caught:
            await client.get("/version")
    assert caught.value.reason == "ApiServerUnreachable"
    assert caught.value.message == f"GET {url}/version: Connection refused"
    assert caught.value.status == 0
    assert caught.value.retryable


async def test_no_answer_is_a_timeout(server: Playback) -> None:
    async with Client(ClusterConfig(server.url), timeout=0.05) as client:
        with pytest.raises(KubeError, match="did not answer in time") as caught:
            await client.request("POST", "/api/v1/events", body={})
    assert caught.value.reason == "Timeout"
    (await server.accept()).cut()


async def test_an_answer_that_is_no_json_is_said_so(client: Client, server: Playback) -> None:
    with pytest.raises(KubeError, match="is no JSON"):
        await asyncio.gather(client.get("/version"), server.answers(reply(b"<html>")))


async def test_apply_is_a_server_side_apply(client: Client, server: Playback) -> None:
    body = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a"}}
    path = "/api/v1/namespaces/shop/configmaps/a"
    _, (asked,) = await asyncio.gather(
        client.apply(path, body, manager="leadsman", dry_run=True), server.answers(reply(body))
    )
    assert asked.method == "PATCH"
    assert asked.headers["Content-Type"] == "application/apply-patch+yaml"
    assert asked.query == {"fieldManager": "leadsman", "force": "false", "dryRun": "All"}
    assert json.loads(asked.body) == body
    _, (asked,) = await asyncio.gather(
        client.apply(path, body, manager="leadsman", force=True), server.answers(reply(body))
    )
    assert asked.query == {"fieldManager": "leadsman", "force": "true"}


async def test_requests_at_once_are_bounded_and_watches_do_not_count(server: Playback) -> None:
    async with Client(ClusterConfig(server.url), concurrency=2) as client:
        calls = [asyncio.create_task(client.get(f"/api/v1/nodes/{n}")) for n in range(3)]
        first, second = await server.accept(), await server.accept()
        watch = client.watch("/api/v1/nodes", {"watch": "true"}, silence=5)
        began = asyncio.ensure_future(anext(watch))
        third = await server.accept()
        assert third.query == {"watch": "true"}
        await third.begin()
        assert await began == b""
        assert server.idle
        await first.reply({})
        await (await server.accept()).reply({})
        await second.reply({})
        await asyncio.gather(*calls)
        await watch.aclose()
        third.cut()


async def test_every_request_is_observed(server: Playback) -> None:
    seen: list[tuple[str, str, str, float]] = []
    async with Client(
        ClusterConfig(server.url), observe=lambda *one: seen.append(one), timeout=0.2
    ) as client:
        await asyncio.gather(client.get(PATH), server.answers(cut, cut, reply({})))
        watch = client.watch("/apis/apps/v1/deployments", {"watch": "true"}, silence=5)
        with pytest.raises(KubeError):
            await asyncio.gather(anext(watch), server.answers(reply(FORBIDDEN, 403)))
        with pytest.raises(KubeError):
            await client.request("POST", "/api/v1/namespaces/shop/events", body={})
        (await server.accept()).cut()
    assert [one[:3] for one in seen] == [
        ("get", "secrets", "unreachable"),
        ("get", "secrets", "200"),
        ("watch", "deployments", "403"),
        ("create", "events", "timeout"),
    ]
    assert all(0 <= one[3] < 5 for one in seen)


@pytest.mark.parametrize(("remote", "far"), [(True, True), (True, False), (False, True)])
async def test_answers_are_compressed_over_long_ways_only(*, remote: bool, far: bool) -> None:
    async def answer(exchange: Exchange) -> None:
        body = {"items": ["x" * 10_000]}
        await exchange.reply(body, compress="gzip" in exchange.headers["Accept-Encoding"])

    async with playing() as server:
        # A name that is not this machine's; the proxy that leads there is.
        config = (
            ClusterConfig("http://cluster.test", proxy=server.url, far=far)
            if remote
            else ClusterConfig(server.url, far=far)
        )
        async with Client(config) as client:
            found, (asked,) = await asyncio.gather(client.get("/version"), server.answers(answer))
    assert found == {"items": ["x" * 10_000]}
    assert asked.response is not None
    assert (asked.response.headers.get("Content-Encoding") == "gzip") is (remote and far)


async def test_a_watch_yields_bytes_until_it_ends(client: Client, server: Playback) -> None:
    watch = client.watch("/api/v1/nodes", {"watch": "true"}, accept="application/x", silence=5)
    began = asyncio.ensure_future(anext(watch))
    exchange = await server.accept()
    assert exchange.headers["Accept"] == "application/x"
    await exchange.send(b"a")
    assert await began == b""
    assert await anext(watch) == b"a"
    await exchange.end()
    with pytest.raises(StopAsyncIteration):
        await anext(watch)


async def test_a_watch_that_is_cut_or_falls_silent_says_so(
    client: Client, server: Playback
) -> None:
    watch = client.watch("/api/v1/nodes", {"watch": "true"}, silence=5)
    began = asyncio.ensure_future(anext(watch))
    exchange = await server.accept()
    await exchange.send(b"a")
    await began
    await anext(watch)
    exchange.cut()
    with pytest.raises(KubeError) as caught:
        await anext(watch)
    assert caught.value.reason == "ApiServerUnreachable"

    watch = client.watch("/api/v1/nodes", {"watch": "true"}, silence=0.05)
    began = asyncio.ensure_future(anext(watch))
    exchange = await server.accept()
    await exchange.begin()
    await began
    with pytest.raises(KubeError) as caught:
        await anext(watch)
    assert caught.value.reason == "Timeout"
    exchange.cut()


async def test_a_watch_gets_new_credentials_as_well(server: Playback) -> None:
    async with Client(ClusterConfig(server.url, Rotating("old", "new"))) as client:
        watch = client.watch("/api/v1/nodes", {"watch": "true"}, silence=5)
        began = asyncio.ensure_future(anext(watch))
        await (await server.accept()).reply(UNAUTHORIZED, 401)
        exchange = await server.accept()
        assert exchange.headers["Authorization"] == "Bearer new"
        await exchange.begin()
        assert await began == b""
        await watch.aclose()
        exchange.cut()
