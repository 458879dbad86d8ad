from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from leadsman.compare.owners.fieldset import all_there, is_readable

if TYPE_CHECKING:
    from leadsman.model.json import JsonObject

LIVE = {
    "spec": {
        "ports": [{"port": 80, "name": "é"}, {"port": 81, "protocol": "UDP"}],
        "tags": ["a", 5, True, None],
        "args": ["x", "y"],
        "": {"a.b/c": 1},
    }
}


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {".": {}},
        {"f:ports": {'k:{"port":80,"protocol":"TCP"}': {".": {}, "f:name": {}}}},
        {"f:ports": {'k:{"name":"\\u00e9","port":80}': {}}},
        {"f:tags": {'v:"a"': {}, "v:5": {}, "v:true": {}, "v:null": {}, "v:5.0": {}}},
        {"f:args": {"i:1": {}}},
        {"f:": {".": {}, "f:a.b/c": {}}},
    ],
)
def test_what_is_there(fields: JsonObject) -> None:
    assert is_readable({"f:spec": fields})
    assert all_there({"f:spec": fields}, LIVE)


@pytest.mark.parametrize(
    "fields",
    [
        {"f:port": {}},
        {"f:ports": {'k:{"port":82}': {}}},
        {"f:ports": {'k:{"port":81,"protocol":"TCP"}': {}}},
        {"f:ports": {'k:{"port":80}': {"f:nodePort": {}}}},
        {"f:ports": {'k:{"name":"e\\u0301"}': {}}},
        {"f:tags": {'v:"b"': {}}},
        {"f:args": {"f:x": {}}},
    ],
)
def test_what_is_not_there(fields: JsonObject) -> None:
    assert is_readable({"f:spec": fields})
    assert not all_there({"f:spec": fields}, LIVE)
