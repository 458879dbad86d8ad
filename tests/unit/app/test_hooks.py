"""Webhooks over real connections."""

from __future__ import annotations

import asyncio
import gzip
import io
import json
import logging
from collections import Counter
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, replace
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, cast

import aiohttp
import pytest

from leadsman.app import hooks
from leadsman.app.hooks import PATH, Receiver, Secrets, receive_hooks, serve
from leadsman.errors import LeadsmanError
from leadsman.settings import Settings
from unit.source.deliveries import BITBUCKET_CLOUD, DELIVERIES, GENERIC, GITHUB, GITLAB, SECRET

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Collection, Mapping
    from pathlib import Path

    from leadsman.app.parts import Parts
    from unit.source.deliveries import Delivery


@dataclass
class Forge:
    """Somebody who sends webhooks, and what became of them."""

    port: int
    session: aiohttp.ClientSession
    told: list[Collection[str]]
    counts: Counter[tuple[str, str]]

    async def post(
        self, body: bytes, headers: Mapping[str, str], path: str = PATH
    ) -> tuple[int, dict[str, Any]]:
        async with self.session.post(path, data=body, headers=headers) as answer:
            return answer.status, await answer.json()

    async def send(self, delivery: Delivery, secret: bytes = SECRET) -> tuple[int, dict[str, Any]]:
        return await self.post(delivery.raw(), delivery.sign(secret))


async def rewrite(file: Path, content: bytes) -> None:
    await asyncio.to_thread(file.write_bytes, content)


@pytest.fixture
def secrets(tmp_path: Path) -> Path:
    file = tmp_path / "secrets"
    file.write_bytes(b"first\r\n\n  " + SECRET + b"\n")
    return file


@pytest.fixture
async def forge(secrets: Path) -> AsyncIterator[Forge]:
    async with serving(secrets) as forge:
        yield forge


@asynccontextmanager
async def serving(secrets: Path) -> AsyncIterator[Forge]:
    told: list[Collection[str]] = []
    counts: Counter[tuple[str, str]] = Counter()

    def changed(names: Collection[str]) -> int:
        told.append(names)
        return 0 if "git.example.com/team/unknown" in names else 2

    def counted(forge: str, outcome: str) -> None:
        counts[str(forge), outcome] += 1

    async with (
        serve("127.0.0.1:0", Receiver(Secrets(secrets), changed, counted)) as port,
        aiohttp.ClientSession(f"http://127.0.0.1:{port}") as session,
    ):
        yield Forge(port, session, told, counts)


@pytest.mark.parametrize("delivery", DELIVERIES.values(), ids=DELIVERIES)
async def test_a_push_is_told_and_how_many_targets_heard_of_it(
    forge: Forge, delivery: Delivery
) -> None:
    status, answer = await forge.send(delivery)
    assert (status, answer["targets"]) == (202, 2)
    assert forge.told == [delivery.names]
    assert forge.counts == {(delivery.forge, "told"): 1}


async def test_an_unknown_repository_is_no_error(forge: Forge) -> None:
    unknown = replace(GENERIC, payload={"url": "https://git.example.com/team/unknown.git"})
    status, answer = await forge.send(unknown)
    assert (status, answer["targets"]) == (202, 0)
    assert forge.counts == {("generic", "unmatched"): 1}


@pytest.mark.parametrize("delivery", DELIVERIES.values(), ids=DELIVERIES)
async def test_who_does_not_know_the_secret_learns_nothing(
    forge: Forge, delivery: Delivery
) -> None:
    answers = [
        await forge.send(delivery, b"wrong"),
        await forge.post(delivery.raw(), delivery.headers),
        await forge.post(b"no JSON", delivery.headers),
        await forge.send(replace(delivery, payload={"repository": {}}), b"wrong"),
    ]
    assert {status for status, _ in answers} == {401}
    assert len({json.dumps(answer) for _, answer in answers}) == 1
    assert "targets" not in answers[0][1]
    assert not forge.told
    assert forge.counts == {(delivery.forge, "refused"): 4}


async def test_a_ping_is_answered_and_told_to_nobody(forge: Forge) -> None:
    ping = replace(GITHUB, headers=GITHUB.headers | {"X-GitHub-Event": "ping"}, payload={"zen": ""})
    assert (await forge.send(ping))[0] == 200
    assert (await forge.send(ping, b"wrong"))[0] == 401
    assert not forge.told
    assert forge.counts == {("github", "ping"): 1, ("github", "refused"): 1}


async def test_another_event_is_taken_and_told_to_nobody(forge: Forge) -> None:
    created = BITBUCKET_CLOUD.headers | {"X-Event-Key": "issue:created"}
    status, answer = await forge.send(replace(BITBUCKET_CLOUD, headers=created))
    assert (status, answer["targets"]) == (202, 0)
    assert not forge.told
    assert forge.counts == {("bitbucket", "ignored"): 1}


@pytest.mark.parametrize(
    ("body", "why"),
    [
        (b"", "no JSON"),
        (b"payload=%7B%7D", "application/json"),
        (b'{"url": "\xff"}', "no JSON"),
        (b"[" * 100_000, "no JSON"),
        (b"[]", "no JSON object"),
        (b'{"url": "git.example.com/shop"}', "names no repository"),
    ],
)
async def test_a_body_that_cannot_be_read_is_said(forge: Forge, body: bytes, why: str) -> None:
    delivery = replace(GENERIC, body=body)
    status, answer = await forge.post(body, delivery.sign() if body else _empty())
    assert status == 400
    assert why in answer["message"]
    assert forge.counts == {("generic", "unreadable"): 1}


def _empty() -> dict[str, str]:
    """Sign an empty body, for which GitLab's token is enough."""
    return {"X-Gitlab-Token": SECRET.decode()}


@pytest.mark.parametrize("chunked", [False, True])
async def test_a_body_over_a_mebibyte_is_refused(forge: Forge, *, chunked: bool) -> None:
    async def pieces() -> AsyncIterator[bytes]:
        for _ in range(33):
            yield b" " * 32768

    data: Any = pieces() if chunked else io.BytesIO(b" " * (1024 * 1024 + 1))
    async with forge.session.post(PATH, data=data, headers=GITLAB.sign()) as answer:
        assert answer.status == 413
    assert forge.counts == {("gitlab", "too_large"): 1}


async def test_a_body_of_a_mebibyte_is_read(forge: Forge) -> None:
    padded = replace(GENERIC, body=GENERIC.raw().ljust(1024 * 1024))
    async with forge.session.post(
        PATH, data=io.BytesIO(padded.body), headers=padded.sign()
    ) as answer:
        assert answer.status == 202


async def test_a_packed_body_is_not_unpacked(forge: Forge) -> None:
    """A megabyte may hold a gigabyte of it; and a signature is of what was sent."""
    packed = replace(GENERIC, body=gzip.compress(GENERIC.raw()))
    headers = {**packed.sign(), "Content-Encoding": "gzip"}
    assert (await forge.post(packed.body, headers))[0] == 400


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", PATH, 405),
        ("PUT", PATH, 405),
        ("POST", "/", 404),
        ("POST", "/hooks", 404),
        ("POST", f"{PATH}/", 404),
        ("GET", "/metrics", 404),
        ("GET", "/healthz", 404),
    ],
)
async def test_nothing_else_is_served(forge: Forge, method: str, path: str, status: int) -> None:
    async with forge.session.request(method, path, headers=GITLAB.sign()) as answer:
        assert answer.status == status
    assert not forge.counts


async def test_a_secret_is_replaced_without_a_restart(
    forge: Forge, secrets: Path, tmp_path: Path
) -> None:
    """As a mounted Secret is: its name leads to another file from one moment to the next."""
    assert (await forge.send(GITHUB, b"next"))[0] == 401
    later = tmp_path / "later"
    later.write_bytes(SECRET + b"\nnext\n")
    later.rename(secrets)
    assert (await forge.send(GITHUB, b"next"))[0] == 202
    assert (await forge.send(GITHUB, SECRET))[0] == 202
    await rewrite(secrets, b"next\n")
    assert (await forge.send(GITHUB, SECRET))[0] == 401
    assert (await forge.send(GITHUB, b"next"))[0] == 202


async def test_nobody_is_believed_while_there_are_no_secrets(
    forge: Forge, secrets: Path, caplog: pytest.LogCaptureFixture
) -> None:
    await asyncio.to_thread(secrets.unlink)
    for _ in range(3):
        assert (await forge.send(GITHUB))[0] == 401
    assert sum("cannot be read" in record.message for record in caplog.records) == 1
    await rewrite(secrets, b"\n \n")
    assert (await forge.send(GITHUB))[0] == 401
    await rewrite(secrets, SECRET)
    assert (await forge.send(GITHUB))[0] == 202


async def test_the_log_names_the_repository_and_no_secret(
    forge: Forge, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    await forge.send(GITLAB)
    for _ in range(3):
        await forge.send(GITLAB, b"guessed")
    told = [record for record in caplog.records if "a push was told" in record.message]
    assert [vars(record)["repository"] for record in told] == [min(GITLAB.names)]
    # Anybody can send what is refused: it must not fill the log.
    assert sum("was refused" in record.message for record in caplog.records) == 1
    said = str([vars(record) for record in caplog.records])
    assert SECRET.decode() not in said
    assert "guessed" not in said


async def test_a_connection_that_says_nothing_is_ended(
    secrets: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hooks, "_PATIENCE", 0.05)
    async with serving(secrets) as forge:
        for begun in (
            b"",
            b"POST /hooks",
            HEAD + b"Content-Length: 9\r\n\r\n{",
        ):
            reader, writer = await asyncio.open_connection("127.0.0.1", forge.port)
            writer.write(begun)
            # Ended before it could say anything, it is reset.
            with suppress(ConnectionResetError):
                assert await reader.read() == b""
            writer.close()
        assert not forge.counts


async def test_connections_are_few(secrets: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hooks, "_MOST_CONNECTIONS", 2)
    async with serving(secrets) as forge:
        held = [await asyncio.open_connection("127.0.0.1", forge.port) for _ in range(2)]
        reader, writer = await asyncio.open_connection("127.0.0.1", forge.port)
        assert await reader.read() == b""
        writer.close()
        for _, held_writer in held:
            held_writer.close()
            await held_writer.wait_closed()

        async def served() -> bool:
            try:
                return (await forge.send(GITHUB))[0] == 202
            except aiohttp.ClientError:
                return False  # it has not noticed yet that others have gone

        async with asyncio.timeout(30):
            while not await served():
                pass


async def test_a_connection_is_for_one_request(forge: Forge) -> None:
    async with forge.session.post(PATH, data=GITHUB.raw(), headers=GITHUB.sign()) as answer:
        assert answer.headers["Connection"] == "close"


HEAD = b"POST /hooks/push HTTP/1.1\r\nHost: leadsman\r\n"


@pytest.mark.parametrize(
    "sent",
    [
        b"\x16\x03\x01\x00\xa5\x01\x00\r\n\r\n",
        b"POST /hooks/push HTTP/1.1\r\n\r\n",
        HEAD + b"Content-Length: many\r\n\r\n{}",
        HEAD + b"Transfer-Encoding: chunked\r\n\r\nmany\r\n{}\r\n",
    ],
)
async def test_what_clients_do_wrong_leaves_no_trace_in_the_log(
    forge: Forge, caplog: pytest.LogCaptureFixture, sent: bytes
) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", forge.port)
    writer.write(sent)
    assert b" 400 " in (await reader.read()).partition(b"\r\n")[0]
    writer.close()
    assert not caplog.records


async def test_a_client_that_leaves_is_no_error(
    secrets: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async with serving(secrets) as forge:
        _, writer = await asyncio.open_connection("127.0.0.1", forge.port)
        writer.write(HEAD + b"Content-Length: 9\r\n\r\n{")
        await writer.drain()
        writer.transport.abort()
        assert (await forge.send(GITHUB))[0] == 202
    assert [record.message for record in caplog.records if record.levelno >= logging.ERROR] == []


async def test_a_defect_is_told_in_the_log(secrets: Path, caplog: pytest.LogCaptureFixture) -> None:
    def changed(_names: Collection[str]) -> int:
        raise LookupError("a defect")

    receiver = Receiver(Secrets(secrets), changed, lambda _forge, _outcome: None)
    async with (
        serve("127.0.0.1:0", receiver) as port,
        aiohttp.ClientSession(f"http://127.0.0.1:{port}") as session,
        session.post(PATH, data=GITHUB.raw(), headers=GITHUB.sign()) as answer,
    ):
        assert answer.status == 500
        assert "a defect" not in await answer.text()
    assert "a defect" in caplog.text


async def test_an_address_in_use_is_said(forge: Forge, secrets: Path) -> None:
    receiver = Receiver(Secrets(secrets), len, lambda _forge, _outcome: None)
    with pytest.raises(LeadsmanError, match="cannot serve webhooks"):
        async with serve(f"127.0.0.1:{forge.port}", receiver):
            pytest.fail("it was served")


async def test_there_are_no_webhooks_without_an_address() -> None:
    async with receive_hooks(Settings(), cast("Parts", None)):
        pass


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (None, "needs --hooks-secret-file"),
        (b"", "holds no secret"),
        (b" \n\n", "holds no secret"),
        (b"absent", "cannot be read: No such file"),
        (b"secret", "--hooks-bind wants host:port"),
    ],
)
async def test_there_are_no_webhooks_without_a_secret(
    tmp_path: Path, content: bytes | None, why: str
) -> None:
    file = tmp_path / "secrets"
    if content not in {None, b"absent"}:
        file.write_bytes(content or b"")
    bind = "127.0.0.1" if content == b"secret" else "127.0.0.1:0"
    settings = Settings(hooks_bind=bind, hooks_secrets=None if content is None else file)
    parts = SimpleNamespace(
        engine=SimpleNamespace(repository_changed=len),
        instruments=SimpleNamespace(hooked=print, relayed=print),
    )
    with pytest.raises(LeadsmanError, match=why) as caught:
        async with receive_hooks(settings, cast("Parts", parts)):
            pytest.fail("they were received")
    assert (caught.value.reason, caught.value.retryable) == ("InvalidSettings", False)
