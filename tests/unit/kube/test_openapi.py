from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING

import pytest

from leadsman.errors import KubeError
from leadsman.kube.openapi import decode_document, read_document, read_index
from unit.kube.playback import Playback, reply

if TYPE_CHECKING:
    from leadsman.kube.client import Client

INDEX = {
    "paths": {
        ".well-known/openid-configuration": {
            "serverRelativeURL": "/openapi/v3/.well-known/openid-configuration?hash=00"
        },
        "api": {"serverRelativeURL": "/openapi/v3/api?hash=01"},
        "api/v1": {"serverRelativeURL": "/openapi/v3/api/v1?hash=8F5F21"},
        "apis": {"serverRelativeURL": "/openapi/v3/apis?hash=02"},
        "apis/apps": {"serverRelativeURL": "/openapi/v3/apis/apps?hash=03"},
        "apis/apps/v1": {"serverRelativeURL": "/openapi/v3/apis/apps/v1?hash=D9D939"},
        "version": {"serverRelativeURL": "/openapi/v3/version?hash=04"},
    }
}
DOCUMENT = {
    "openapi": "3.0.0",
    "paths": {"/apis/apps/v1/": {"get": {}}},
    "components": {"schemas": {"io.k8s.Deployment": {"type": "object"}}},
}


async def test_the_index_has_a_hash_for_each_group_version(
    client: Client, server: Playback
) -> None:
    index, (asked,) = await asyncio.gather(read_index(client), server.answers(reply(INDEX)))
    assert asked.path == "/openapi/v3"
    assert index["v1"] == "8F5F21"
    assert index["apps/v1"] == "D9D939"
    assert "version" not in index


@pytest.mark.parametrize(
    ("api_version", "path"),
    [("v1", "/openapi/v3/api/v1"), ("apps/v1", "/openapi/v3/apis/apps/v1")],
)
async def test_a_document_is_read_by_its_group_version(
    client: Client, server: Playback, api_version: str, path: str
) -> None:
    body, (asked,) = await asyncio.gather(
        read_document(client, api_version), server.answers(reply(DOCUMENT))
    )
    assert asked.path == path
    assert decode_document(body) == {"components": DOCUMENT["components"]}


async def test_what_is_no_index_is_said(client: Client, server: Playback) -> None:
    with pytest.raises(KubeError, match="no index of documents") as caught:
        await asyncio.gather(read_index(client), server.answers(reply({"kind": "Status"})))
    assert caught.value.reason == "UnexpectedAnswer"


def test_what_is_no_document_is_said() -> None:
    with pytest.raises(KubeError, match="no OpenAPI v3 document"):
        decode_document(b"<html>")
    assert decode_document(json.dumps({"components": {}}).encode()) == {
        "components": {"schemas": {}}
    }
