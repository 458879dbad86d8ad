"""Against a real HTTP server: what is asked for, and what is made of the answers."""

from __future__ import annotations

import asyncio
import base64
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import pytest

from leadsman.engine.lookup import Lookup
from leadsman.errors import RenderError, SourceError
from leadsman.model.identity import ObjectKey, TargetKey
from leadsman.model.source import GitSource
from leadsman.model.target import (
    FluxBuild,
    HelmOptions,
    Target,
    ValuesReference,
    VariablesReference,
)
from leadsman.render.renderer import ValuesDocument
from unit.kube.fixtures import client, hasty, server
from unit.kube.playback import cut, reply, status

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from leadsman.kube.client import Client
    from unit.kube.playback import Answer, Playback

__all__ = ["client", "hasty", "server"]

pytestmark = pytest.mark.usefixtures("hasty")

PAINT = ObjectKey("", "ConfigMap", "shop", "paint")
SOURCE = GitSource("https://git.example.org/shop", namespace="shop", secret="git")  # noqa: S106 - its name


def target(*references: ValuesReference) -> Target:
    key = TargetKey("DriftCheck", "shop", "web")
    return Target(key=key, source=SOURCE, render=HelmOptions(values_from=references))


def reference(kind: str = "ConfigMap", name: str = "paint", **more: Any) -> ValuesReference:
    return ValuesReference(kind, name, **more)


def holding(text: str, version: str = "7") -> Answer:
    return reply({"metadata": {"resourceVersion": version}, "data": {"values.yaml": text}})


WEB = target(reference())
NOT_FOUND = reply(status(404, "NotFound", "no such object"), 404)
FORBIDDEN = reply(status(403, "Forbidden", "you may not"), 403)


@asynccontextmanager
async def outage(server: Playback) -> AsyncIterator[None]:
    """Break every connection while the block runs."""

    async def refuse() -> None:
        while True:
            await cut(await server.accept())

    refusing = asyncio.create_task(refuse())
    yield
    refusing.cancel()


async def texts(lookup: Lookup, server: Playback, *answers: Answer, of: Target = WEB) -> list[str]:
    """Read a target's values while the API server gives just these answers."""
    values, _ = await asyncio.gather(lookup.values(of), server.answers(*answers))
    return [document.text for document in values]


async def test_values_are_read_once(server: Playback, client: Client) -> None:
    lookup = Lookup(client)
    assert await texts(lookup, server, holding("colour: red")) == ["colour: red"]
    assert await texts(lookup, server) == ["colour: red"]
    assert lookup.versions == {PAINT: "7"}
    assert lookup.dependencies(WEB) == (PAINT,)


async def test_forgotten_values_are_read_anew_once(server: Playback, client: Client) -> None:
    lookup = Lookup(client)
    await texts(lookup, server, holding("colour: red"))
    lookup.forget_values(WEB)
    assert await texts(lookup, server, holding("colour: blue", "8")) == ["colour: blue"]
    assert await texts(lookup, server) == ["colour: blue"]
    assert lookup.versions == {PAINT: "8"}


async def test_nothing_is_kept_for_a_target_that_is_gone(server: Playback, client: Client) -> None:
    lookup = Lookup(client)
    await texts(lookup, server, holding("colour: red"))
    lookup.drop(WEB)
    assert lookup.versions == {}
    assert await texts(lookup, server, holding("colour: blue", "8")) == ["colour: blue"]


async def test_values_that_change_while_they_are_read_are_read_anew(
    server: Playback, client: Client
) -> None:
    lookup = Lookup(client)
    reading = asyncio.create_task(lookup.values(WEB))
    asked = await server.accept()
    lookup.forget_values(WEB)
    await holding("colour: red")(asked)
    await reading
    assert await texts(lookup, server, holding("colour: blue", "8")) == ["colour: blue"]


async def test_what_was_read_stands_while_nothing_answers(server: Playback, client: Client) -> None:
    lookup = Lookup(client)
    await texts(lookup, server, holding("colour: red"))
    lookup.forget_values(WEB)
    async with outage(server):
        values = await lookup.values(WEB)
    assert [document.text for document in values] == ["colour: red"]


async def test_what_was_never_read_does_not(server: Playback, client: Client) -> None:
    async with outage(server):
        with pytest.raises(RenderError, match=r"ConfigMap shop/paint .* cannot be read") as caught:
            await Lookup(client).values(WEB)
    assert (caught.value.reason, caught.value.retryable) == ("ValuesNotReadable", True)


async def test_a_refusal_counts_more_than_what_was_read(server: Playback, client: Client) -> None:
    lookup = Lookup(client)
    await texts(lookup, server, holding("colour: red"))
    lookup.forget_values(WEB)
    with pytest.raises(RenderError, match=r"ConfigMap shop/paint .* cannot be read"):
        await texts(lookup, server, FORBIDDEN)


async def test_missing_values_are_an_error_until_they_are_there(
    server: Playback, client: Client
) -> None:
    lookup = Lookup(client)
    with pytest.raises(RenderError, match=r"ConfigMap shop/paint .* is not there") as caught:
        await texts(lookup, server, NOT_FOUND)
    assert caught.value.reason == "ValuesNotFound"
    assert lookup.versions == {PAINT: ""}
    lookup.forget_values(WEB)
    assert await texts(lookup, server, holding("colour: red")) == ["colour: red"]


async def test_optional_values_may_be_missing(server: Playback, client: Client) -> None:
    optional = target(
        reference(optional=True), reference(name="more", values_key="extra", optional=True)
    )
    assert await texts(Lookup(client), server, NOT_FOUND, holding("a: 1"), of=optional) == []


async def test_a_secret_is_decoded(server: Playback, client: Client) -> None:
    encoded = base64.b64encode(b"colour: red").decode()
    secret = target(reference("Secret", target_path="paint"))
    lookup = Lookup(client)
    assert await texts(lookup, server, holding(encoded), of=secret) == ["colour: red"]
    (document,) = await lookup.values(secret)
    assert document.target_path == "paint"


async def test_credentials_are_read_once_until_forgotten(server: Playback, client: Client) -> None:
    lookup = Lookup(client)
    for password in ("old", "new"):
        data = {"password": base64.b64encode(password.encode()).decode()}
        found, _ = await asyncio.gather(
            lookup.credentials(SOURCE), server.answers(reply({"data": data}))
        )
        assert found.data == {"password": password.encode()}
        assert await lookup.credentials(SOURCE) is found
        lookup.forget_credentials(SOURCE)


@pytest.mark.parametrize(
    ("answer", "reason", "says"),
    [
        (NOT_FOUND, "SecretNotFound", "create it in the DriftCheck's namespace"),
        (FORBIDDEN, "SecretNotReadable", "cannot be read"),
    ],
)
async def test_credentials_that_cannot_be_had(
    server: Playback, client: Client, answer: Answer, reason: str, says: str
) -> None:
    lookup = Lookup(client)
    for _ in range(2):  # what is missing is asked for again
        with pytest.raises(SourceError, match=says) as caught:
            await asyncio.gather(lookup.credentials(SOURCE), server.answers(answer))
        assert (caught.value.reason, caught.value.retryable) == (reason, True)


async def test_each_key_of_an_object_is_a_variable(server: Playback, client: Client) -> None:
    references = (
        VariablesReference("ConfigMap", "paint"),
        VariablesReference("Secret", "keys"),
        VariablesReference("ConfigMap", "nothing", optional=True),
    )
    flux = FluxBuild("web", "shop", variables={}, variables_from=references)
    web = Target(key=TargetKey("Kustomization", "shop", "web"), source=SOURCE, flux=flux)
    lookup = Lookup(client)
    answers = (
        reply({"metadata": {}, "data": {"b": "2", "a": "1"}}),
        reply({"metadata": {}, "data": {"c": base64.b64encode(b"3").decode()}}),
        NOT_FOUND,
    )
    values, _ = await asyncio.gather(lookup.values(web), server.answers(*answers))
    assert values == (
        ValuesDocument("1", "a"),
        ValuesDocument("2", "b"),
        ValuesDocument("3", "c", secret=True),
    )
    assert len(lookup.dependencies(web)) == 3


async def test_variables_that_are_not_there_name_their_field(
    server: Playback, client: Client
) -> None:
    references = (VariablesReference("ConfigMap", "paint"),)
    flux = FluxBuild("web", "shop", variables={}, variables_from=references)
    web = Target(key=TargetKey("Kustomization", "shop", "web"), source=SOURCE, flux=flux)
    with pytest.raises(RenderError, match=r"paint \(spec.postBuild.substituteFrom\) is not there"):
        await texts(Lookup(client), server, NOT_FOUND, of=web)
