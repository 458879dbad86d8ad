from __future__ import annotations

import aiohttp
import pytest

from leadsman.app.web import serve, split_bind
from leadsman.errors import LeadsmanError


@pytest.mark.parametrize(
    ("bind", "host", "port"),
    [
        ("127.0.0.1:8080", "127.0.0.1", 8080),
        (":8080", "0.0.0.0", 8080),  # noqa: S104 - nothing is bound here
        ("[::1]:9", "::1", 9),
        ("localhost:0", "localhost", 0),
    ],
)
def test_an_address_is_host_and_port(bind: str, host: str, port: int) -> None:
    assert split_bind(bind) == (host, port)


@pytest.mark.parametrize("bind", ["8080", "", "host:", "host:http", "host:70000"])
def test_another_address_is_refused_with_what_was_given(bind: str) -> None:
    with pytest.raises(LeadsmanError, match="--bind") as caught:
        split_bind(bind)
    assert not caught.value.retryable


async def test_the_endpoints_answer() -> None:
    asked: list[str] = []
    ready = False

    async def metrics(accept: str) -> tuple[bytes, str]:
        asked.append(accept)
        return b"up 1\n", "text/plain; version=0.0.4; charset=utf-8"

    runner, port = await serve("127.0.0.1:0", metrics=metrics, ready=lambda: ready)
    try:
        async with aiohttp.ClientSession(f"http://127.0.0.1:{port}") as session:
            async with session.get("/metrics", headers={"Accept": "text/plain"}) as answer:
                assert answer.headers["Content-Type"].startswith("text/plain; version=0.0.4")
                assert await answer.text() == "up 1\n"
            async with session.get("/healthz") as answer:
                assert answer.status == 200
            async with session.get("/readyz") as answer:
                assert answer.status == 503
            ready = True
            async with session.get("/readyz") as answer:
                assert answer.status == 200
    finally:
        await runner.cleanup()
    assert asked == ["text/plain"]


async def nothing(_accept: str) -> tuple[bytes, str]:
    return b"", ""


async def test_an_address_in_use_is_said() -> None:
    runner, port = await serve("127.0.0.1:0", metrics=nothing, ready=lambda: True)
    try:
        with pytest.raises(LeadsmanError, match="cannot serve"):
            await serve(f"127.0.0.1:{port}", metrics=nothing, ready=lambda: True)
    finally:
        await runner.cleanup()
