from __future__ import annotations

import copy
import json
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from leadsman.kube.discovery import ApiResource
from leadsman.kube.objects import ObjectMeta, decode_meta, decode_object, fingerprint
from unit.kube.playback import config_map, listed

CONFIG_MAPS = ApiResource("", "v1", "ConfigMap", "configmaps", namespaced=True)
DEPLOYMENT: dict[str, Any] = {
    "kind": "Deployment",
    "apiVersion": "apps/v1",
    "metadata": {
        "name": "web",
        "namespace": "shop",
        "uid": "e3b0",
        "resourceVersion": "7",
        "generation": 2,
        "labels": {"app": "web"},
        "annotations": {"deployment.kubernetes.io/revision": "1"},
        "managedFields": [
            {
                "manager": "kubectl",
                "operation": "Update",
                "apiVersion": "apps/v1",
                "time": "2026-11-23T16:04:19Z",
                "fieldsType": "FieldsV1",
                "fieldsV1": {"f:spec": {'k:{"subresource":"status"}': {}}},
            },
            {
                "manager": "kube-controller-manager",
                "operation": "Update",
                "apiVersion": "apps/v1",
                "time": "2026-11-23T16:04:20Z",
                "fieldsType": "FieldsV1",
                "fieldsV1": {"f:status": {}},
                "subresource": "status",
            },
        ],
    },
    "spec": {"replicas": 2},
    "status": {"readyReplicas": 1},
}


def raw(obj: Any) -> msgspec.Raw:
    return msgspec.Raw(json.dumps(obj, separators=(",", ":")).encode())


def changed(path: list[Any], value: Any) -> dict[str, Any]:
    obj = copy.deepcopy(DEPLOYMENT)
    place: Any = obj
    for step in path[:-1]:
        place = place[step]
    place[path[-1]] = value
    return obj


def test_metadata_is_read_without_the_rest() -> None:
    assert decode_meta(raw(DEPLOYMENT)) == ObjectMeta("web", "shop", "e3b0", "7", 2)
    deleting = changed(["metadata", "deletionTimestamp"], "2026-11-23T16:05:00Z")
    assert decode_meta(raw(deleting)).deletion_timestamp == "2026-11-23T16:05:00Z"
    with pytest.raises(msgspec.MsgspecError):
        decode_meta(raw([]))


def test_an_object_of_a_list_gets_its_kind() -> None:
    assert decode_object(raw(listed("a", 1)), CONFIG_MAPS) == config_map("a", 1)
    assert decode_object(raw(DEPLOYMENT), CONFIG_MAPS) == DEPLOYMENT


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (["status", "readyReplicas"], 2),
        (["metadata", "resourceVersion"], "8"),
        (["metadata", "managedFields", 1, "time"], "2026-11-23T17:00:00Z"),
        (["metadata", "managedFields", 1, "fieldsV1"], {"f:status": {"f:x": {}}}),
    ],
)
def test_a_status_update_leaves_the_fingerprint_alone(path: list[Any], value: Any) -> None:
    assert fingerprint(raw(changed(path, value))) == fingerprint(raw(DEPLOYMENT))


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (["spec", "replicas"], 3),
        (["data"], {"a": "b"}),
        (["metadata", "uid"], "e3b1"),
        (["metadata", "labels", "app"], "shop"),
        (["metadata", "annotations", "deployment.kubernetes.io/revision"], "2"),
        (["metadata", "deletionTimestamp"], "2026-11-23T16:05:00Z"),
        (["metadata", "ownerReferences"], []),
        (["metadata", "managedFields", 0, "manager"], "k9s"),
        (["metadata", "managedFields", 0, "time"], "2026-11-23T17:00:00Z"),
    ],
)
def test_anything_else_moves_the_fingerprint(path: list[Any], value: Any) -> None:
    assert fingerprint(raw(changed(path, value))) != fingerprint(raw(DEPLOYMENT))


def test_a_list_and_a_watch_have_the_same_fingerprint() -> None:
    assert fingerprint(raw(listed("a", 1))) == fingerprint(raw(config_map("a", 1)))


def test_a_name_is_told_from_the_value_before_it() -> None:
    first, second = {**DEPLOYMENT, "a": 1, "2b": 3}, {**DEPLOYMENT, "a": 12, "b": 3}
    assert fingerprint(raw(first)) != fingerprint(raw(second))


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    st.lists,
    max_leaves=5,
)


@given(
    st.dictionaries(st.sampled_from(["spec", "data", "rules"]), json_values),
    st.dictionaries(st.sampled_from(["spec", "data", "rules"]), json_values),
)
def test_fingerprints_are_equal_for_equal_content_only(
    one: dict[str, Any], two: dict[str, Any]
) -> None:
    first, second = ({**DEPLOYMENT, "spec": 0, **extra} for extra in (one, two))
    equal = json.dumps(first) == json.dumps(second)
    assert (fingerprint(raw(first)) == fingerprint(raw(second))) is equal
