"""Several Pods, each with a loopback address of its own, and what they tell each other."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import logging
import time
from collections import Counter
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import TYPE_CHECKING, cast

import aiohttp
import pytest
from aiohttp import web

from leadsman.app import relay
from leadsman.app.hooks import PATH, Receiver, Secrets, receive_hooks, serve
from leadsman.app.relay import RELAYED, Peers, Relay, read_peers, relaying, resolve
from leadsman.errors import LeadsmanError
from leadsman.settings import Settings
from unit.source.deliveries import DELIVERIES, GENERIC, GITHUB, GITLAB, SECRET

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Mapping
    from pathlib import Path
    from typing import Self

    from leadsman.app.parts import Parts
    from unit.source.deliveries import Delivery

POD_ADDRESSES = ["127.0.0.1", "127.0.0.2", "127.0.0.3"]
KEY = bytes(range(32))


@dataclass
class Pod:
    """One of them: what its engine was told, and what it has counted."""

    address: str
    told: list[Collection[str]] = field(default_factory=list)
    hooks: Counter[tuple[str, str]] = field(default_factory=Counter)
    relays: Counter[str] = field(default_factory=Counter)
    relay: Relay | None = None


class Pods:
    """All of them, at the same port; ``addresses`` is what the name of their Service has."""

    def __init__(self, secrets: Path) -> None:
        self._secrets = secrets
        self._stack = AsyncExitStack()
        self.port = 0
        self.addresses: list[str] = []
        self.asked: list[Peers] = []

    async def __aenter__(self) -> Self:
        self._session = await self._stack.enter_async_context(aiohttp.ClientSession())
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._stack.aclose()

    async def resolve(self, peers: Peers) -> Collection[str]:
        self.asked.append(peers)
        return list(self.addresses)

    async def add(self, address: str, bind: str = "") -> Pod:
        pod = Pod(address)

        def changed(names: Collection[str]) -> int:
            pod.told.append(names)
            return 0

        def counted(forge: str, outcome: str) -> None:
            pod.hooks[str(forge), outcome] += 1

        def relayed(outcome: str) -> None:
            pod.relays[outcome] += 1

        self.port = self.port or await _free_port()
        pod.relay = await self._stack.enter_async_context(
            relaying(f"leadsman-hooks-peers:{self.port}", relayed, self.resolve)
        )
        receiver = Receiver(Secrets(self._secrets), changed, counted, pod.relay)
        await self._stack.enter_async_context(
            serve(f"{bind or _bracketed(address)}:{self.port}", receiver)
        )
        self.addresses.append(address)
        return pod

    async def stranger(
        self, address: str, answer: Callable[[web.Request], Awaitable[web.Response]]
    ) -> None:
        """Have something else listen where a Pod is said to be."""
        runner = web.AppRunner(_app(answer), access_log=None, shutdown_timeout=0.01)
        await runner.setup()
        self._stack.push_async_callback(runner.cleanup)
        await web.TCPSite(runner, address, self.port).start()
        self.addresses.append(address)

    async def post(self, pod: Pod, body: bytes, headers: Mapping[str, str]) -> int:
        url = f"http://{_bracketed(pod.address)}:{self.port}{PATH}"
        async with self._session.post(url, data=body, headers=headers) as answer:
            return answer.status

    async def send(self, pod: Pod, delivery: Delivery = GITHUB) -> int:
        return await self.post(pod, delivery.raw(), delivery.sign())


def _app(answer: Callable[[web.Request], Awaitable[web.Response]]) -> web.Application:
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", answer)
    return app


def answering(status: int) -> Callable[[web.Request], Awaitable[web.Response]]:
    async def answer(_request: web.Request) -> web.Response:
        return web.Response(status=status, headers={"Location": "/elsewhere"})

    return answer


def _bracketed(address: str) -> str:
    return f"[{address}]" if ":" in address else address


async def _free_port() -> int:
    server = await asyncio.start_server(lambda _reader, _writer: None, "127.0.0.1", 0)
    async with server:
        return int(server.sockets[0].getsockname()[1])


async def until(condition: Callable[[], object]) -> None:
    async with asyncio.timeout(30):
        while not condition():  # noqa: ASYNC110 - of what runs over real connections
            await asyncio.sleep(0.005)


@pytest.fixture
def secrets(tmp_path: Path) -> Path:
    file = tmp_path / "secrets"
    file.write_bytes(SECRET + b"\nwhsec_" + base64.b64encode(KEY) + b"\n")
    return file


@pytest.fixture
async def pods(secrets: Path) -> AsyncIterator[Pods]:
    async with Pods(secrets) as pods:
        yield pods


@pytest.fixture
async def three(pods: Pods) -> list[Pod]:
    return [await pods.add(address) for address in POD_ADDRESSES]


@pytest.mark.parametrize("delivery", DELIVERIES.values(), ids=DELIVERIES)
async def test_each_pod_is_told_once_whichever_hears_of_it(
    pods: Pods, three: list[Pod], delivery: Delivery
) -> None:
    for number, first in enumerate(three, 1):
        assert await pods.send(first, delivery) == 202
        await until(lambda first=first: first.relays["relayed"] == 2)  # type: ignore[misc]
        assert all(pod.told == [delivery.names] * number for pod in three)
    # Resolved anew each time, and only by who heard of it from the forge: nothing goes in circles.
    assert pods.asked == [Peers("leadsman-hooks-peers", pods.port)] * 3
    for pod in three:
        assert pod.hooks == {(delivery.forge, "unmatched"): 1, ("peer", "unmatched"): 2}
        assert pod.relays == {"relayed": 2}


async def test_a_pod_that_has_come_is_told_and_one_that_has_gone_is_not(
    pods: Pods, three: list[Pod]
) -> None:
    first, second, third = three
    pods.addresses.remove(third.address)
    new = await pods.add("127.0.0.4")
    await pods.send(first)
    await until(lambda: first.relays["relayed"] == 2)
    assert [len(pod.told) for pod in (first, second, third, new)] == [1, 1, 0, 1]


async def test_what_says_that_it_was_relayed_is_relayed_no_further(
    pods: Pods, three: list[Pod]
) -> None:
    """Whoever says so."""
    first, *others = three
    headers = {**GITHUB.sign(), RELAYED.lower(): ""}
    assert await pods.post(first, GITHUB.raw(), headers) == 202
    assert first.told == [GITHUB.names]
    assert not pods.asked
    assert not any(pod.told for pod in others)


async def test_a_relayed_signature_must_be_right_as_well(pods: Pods, three: list[Pod]) -> None:
    headers = {**GITHUB.sign(b"guessed"), RELAYED: "1"}
    assert await pods.post(three[0], GITHUB.raw(), headers) == 401
    assert not three[0].told
    assert three[0].hooks == {("peer", "refused"): 1}


async def test_only_an_authentic_push_is_relayed(pods: Pods, three: list[Pod]) -> None:
    first = three[0]
    statuses = [
        await pods.post(first, GITHUB.raw(), GITHUB.sign(b"guessed")),
        await pods.post(first, GITHUB.raw(), GITHUB.headers),
        await pods.post(first, GITHUB.raw(), {**GITHUB.sign(), "X-GitHub-Event": "ping"}),
        await pods.post(first, GITHUB.raw(), {**GITHUB.sign(), "X-GitHub-Event": "issues"}),
        await pods.post(first, b"[]", {"X-Gitlab-Token": SECRET.decode()}),
    ]
    assert statuses == [401, 401, 200, 202, 400]
    assert not pods.asked
    assert not any(pod.told for pod in three)


async def test_gitlabs_signing_token_passes(pods: Pods, three: list[Pod]) -> None:
    """It signs the id and the time, too."""
    body, sent = GITLAB.raw(), str(int(time.time()))
    digest = hmac.digest(KEY, f"an-id.{sent}.".encode() + body, hashlib.sha256)
    headers = GITLAB.headers | {
        "webhook-id": "an-id",
        "webhook-timestamp": sent,
        "webhook-signature": f"v1,{base64.b64encode(digest).decode()}",
    }
    assert await pods.post(three[0], body, headers) == 202
    await until(lambda: three[0].relays["relayed"] == 2)
    assert all(pod.told == [GITLAB.names] for pod in three)


async def test_nothing_else_that_was_sent_is_passed_on(pods: Pods) -> None:
    first, seen = await pods.add("127.0.0.1"), []

    async def answer(request: web.Request) -> web.Response:
        seen.append((request.method, request.path, dict(request.headers), await request.read()))
        return web.Response(status=202)

    await pods.stranger("127.0.0.2", answer)
    more = {"Authorization": "Basic bWU6bWU=", "Cookie": "a=b", "X-Forwarded-For": "192.0.2.1"}
    await pods.post(first, GITHUB.raw(), {**GITHUB.sign(), **more})
    await until(lambda: first.relays["relayed"] == 1)
    ((method, path, headers, body),) = seen
    assert (method, path, body) == ("POST", PATH, GITHUB.raw())
    http = {"Host", "Accept", "Accept-Encoding", "User-Agent", "Content-Length", "Connection"}
    assert set(headers) - http == {
        "Content-Type",
        "X-GitHub-Event",
        "X-Hub-Signature-256",
        RELAYED,
    }
    assert headers["Host"] == f"127.0.0.2:{pods.port}"


async def test_an_own_address_is_known_by_where_the_request_came_in(pods: Pods) -> None:
    """A Pod listens on all of its addresses, and is not told which of them others know."""
    first = await pods.add("127.0.0.1", bind="0.0.0.0")  # noqa: S104 - as in a Pod
    pods.addresses.append("127.0.0.2")
    await pods.send(first)
    await until(lambda: first.relays["relayed"] == 1)
    assert first.hooks == {("github", "unmatched"): 1, ("peer", "unmatched"): 1}
    pods.addresses.remove("127.0.0.2")
    await pods.send(first)
    assert first.relay is not None
    await first.relay.close()
    assert first.relays == {"relayed": 1}


async def test_ipv6_pods_tell_each_other(pods: Pods) -> None:
    first = await pods.add("127.0.0.1")
    second = await pods.add("::1")
    await pods.send(first)
    await until(lambda: first.relays["relayed"] == 1)
    await pods.send(second)
    await until(lambda: second.relays["relayed"] == 1)
    assert len(first.told) == len(second.told) == 2
    assert pods.asked[0] == pods.asked[1]


async def test_a_pod_that_is_gone_or_refuses_is_counted_and_warned_of_once(
    pods: Pods, caplog: pytest.LogCaptureFixture
) -> None:
    first, last = await pods.add("127.0.0.1"), await pods.add("127.0.0.5")
    pods.addresses.append("127.0.0.2")
    await pods.stranger("127.0.0.3", answering(401))
    # A redirection is not followed: nobody but a Pod is to be asked.
    await pods.stranger("127.0.0.4", answering(307))
    for _ in range(2):
        assert await pods.send(first) == 202
    await until(lambda: first.relays.total() == 8)
    assert first.relays == {"unreachable": 2, "refused": 4, "relayed": 2}
    assert len(last.told) == 2
    warned = [record for record in caplog.records if record.levelno >= logging.WARNING]
    assert len([record for record in warned if "was not relayed" in record.message]) == 1
    assert len(warned) == 1
    assert SECRET.decode() not in str([vars(record) for record in caplog.records])


async def test_a_name_without_an_address_is_counted(
    pods: Pods, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = await pods.add("127.0.0.1")

    async def nobody(_peers: Peers) -> Collection[str]:
        raise OSError("Name or service not known")

    monkeypatch.setattr(first.relay, "_resolve", nobody)
    assert await pods.send(first) == 202
    await until(lambda: first.relays == {"unresolved": 1})
    assert first.told == [GITHUB.names]


@asynccontextmanager
async def hanging(pods: Pods, address: str) -> AsyncIterator[list[web.Request]]:
    """Have a Pod there that takes requests and never answers."""
    seen: list[web.Request] = []
    over = asyncio.Event()

    async def answer(request: web.Request) -> web.Response:
        seen.append(request)
        await over.wait()
        return web.Response()

    await pods.stranger(address, answer)
    try:
        yield seen
    finally:
        over.set()


async def test_a_pod_that_hangs_delays_nobody(
    pods: Pods, three: list[Pod], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither the answer nor the others, however many pushes there are."""
    monkeypatch.setattr(relay, "_MOST_EACH", 2)
    first, *others = three
    async with hanging(pods, "127.0.0.4") as seen:
        for number in range(1, 5):
            assert await pods.send(first) == 202
            await until(lambda number=number: first.relays["relayed"] == 2 * number)  # type: ignore[misc]
        await until(lambda: len(seen) == 2)
        # It has had two, which it still has.
        assert first.relays == {"relayed": 8, "dropped": 2}
        assert all(len(pod.told) == 4 for pod in others)


async def test_a_pod_that_hangs_is_given_up(pods: Pods, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(relay, "_PATIENCE", 0.05)
    first = await pods.add("127.0.0.1")
    async with hanging(pods, "127.0.0.2"):
        await pods.send(first)
        await until(lambda: first.relays == {"unreachable": 1})


async def test_a_resolver_that_hangs_is_given_up_and_delays_nobody(
    pods: Pods, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(relay, "_MOST", 2)
    first = await pods.add("127.0.0.1")

    async def silent(_peers: Peers) -> Collection[str]:
        await asyncio.Event().wait()
        return ()

    monkeypatch.setattr(first.relay, "_resolve", silent)
    for _ in range(3):
        assert await pods.send(first) == 202
    assert first.relays == {"dropped": 1}
    assert len(first.told) == 3
    # What waits gives up after the time that the next ones are given, too.
    monkeypatch.setattr(relay, "_PATIENCE", 0.05)
    assert first.relay is not None
    await first.relay.close()
    await pods.send(first)
    await until(lambda: first.relays == {"dropped": 1, "unresolved": 1})


async def test_what_is_under_way_is_finished_in_the_end(pods: Pods) -> None:
    first, begun, over = await pods.add("127.0.0.1"), asyncio.Event(), asyncio.Event()

    async def answer(_request: web.Request) -> web.Response:
        begun.set()
        await over.wait()
        return web.Response(status=202)

    await pods.stranger("127.0.0.2", answer)
    await pods.send(first)
    await begun.wait()
    assert first.relay is not None
    async with asyncio.TaskGroup() as group:
        group.create_task(first.relay.close())
        group.create_task(_set(over))
    assert first.relays == {"relayed": 1}


async def _set(event: asyncio.Event) -> None:
    event.set()


async def test_what_hangs_is_cut_off_in_the_end(
    pods: Pods, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(relay, "_SHUTDOWN", 0.01)
    first = await pods.add("127.0.0.1")
    async with hanging(pods, "127.0.0.2") as seen:
        await pods.send(first)
        await until(lambda: seen)
        assert first.relay is not None
        await first.relay.close()
    names = [task.get_coro().__qualname__ for task in asyncio.all_tasks()]  # type: ignore[union-attr]
    assert not [name for name in names if name.startswith("Relay.")]
    assert not first.relays


@pytest.mark.parametrize(
    ("text", "peers"),
    [
        ("peers.ns.svc:8081", [Peers("peers.ns.svc", 8081)]),
        ("127.0.0.1:1, [::1]:2", [Peers("127.0.0.1", 1), Peers("::1", 2)]),
    ],
)
def test_peers_are_read(text: str, peers: list[Peers]) -> None:
    assert list(read_peers(text)) == peers


@pytest.mark.parametrize("text", ["peers", ":8081", "peers:0", "peers:", "peers:70000", "a:1,,b:2"])
def test_peers_that_are_none_are_refused(text: str) -> None:
    with pytest.raises(LeadsmanError, match="--hooks-peers wants") as caught:
        read_peers(text)
    assert (caught.value.reason, caught.value.retryable) == ("InvalidSettings", False)


@pytest.mark.parametrize("host", ["127.0.0.9", "::1"])
async def test_an_address_is_resolved_to_itself(host: str) -> None:
    assert set(await resolve(Peers(host, 8081))) == {host}


async def test_a_name_that_cannot_be_one_is_counted(pods: Pods) -> None:
    first = await pods.add("127.0.0.1")
    assert first.relay is not None
    outcomes: list[str] = []
    async with relaying(f"{'a' * 64}.example:1", outcomes.append) as one:
        assert one is not None
        one.pass_on(cast("web.Request", _request()), GENERIC.raw())
        await until(lambda: outcomes == ["unresolved"])


def _request() -> SimpleNamespace:
    return SimpleNamespace(headers=GENERIC.sign(), path=PATH, transport=None)


async def test_without_peers_nobody_is_told() -> None:
    async with relaying("", print) as none:
        assert none is None


async def test_peers_need_a_port_to_listen_at() -> None:
    with pytest.raises(LeadsmanError, match="--hooks-peers needs --hooks-bind"):
        async with receive_hooks(Settings(hooks_peers="peers:1"), cast("Parts", None)):
            pytest.fail("they were received")
