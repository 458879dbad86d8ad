from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leadsman.kube.status import (
    NotServedError,
    Status,
    describe,
    error_of,
    error_of_status,
    retry_after,
)
from unit.kube.playback import status


def test_a_status_without_a_reason_takes_that_of_its_code() -> None:
    said = {"kind": "Status", "message": "no such verb", "code": 405}
    error = error_of(405, json.dumps(said).encode(), "PUT /x")
    assert (error.reason, error.message, error.retryable) == (
        "MethodNotAllowed",
        "no such verb",
        False,
    )


def test_a_message_that_says_nothing_gets_the_request() -> None:
    error = error_of(401, json.dumps(status(401, "Unauthorized", "Unauthorized")).encode(), "GET x")
    assert error.message == "GET x: Unauthorized"


def test_who_is_throttled_learns_what_for() -> None:
    said = status(429, "TooManyRequests", "storage is (re)initializing")
    error = error_of(429, json.dumps(said).encode(), "GET /widgets")
    assert error.message == "GET /widgets: storage is (re)initializing"


def test_a_404_without_a_name_is_about_the_path() -> None:
    said = status(404, "NotFound", "the server could not find the requested resource")
    assert isinstance(error_of(404, json.dumps(said).encode(), "GET x"), NotServedError)


def test_json_that_is_no_status_is_quoted() -> None:
    error = error_of(502, b'{"kind": "Other"}', "GET x")
    assert error.reason == "UnexpectedAnswer"
    assert '{"kind": "Other"}' in error.message
    assert error.retryable


def test_a_watchs_error_has_its_code() -> None:
    error = error_of_status(Status(reason="Expired", message="too old", code=410), "watch")
    assert (error.reason, error.status, error.retryable) == ("Expired", 410, True)


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [({}, 0), ({"Retry-After": "3"}, 3), ({"Retry-After": "-1"}, 0), ({"Retry-After": "Mon"}, 0)],
)
def test_retry_after_is_in_seconds(headers: dict[str, str], seconds: float) -> None:
    assert retry_after(headers) == seconds


@pytest.mark.parametrize(
    ("method", "path", "expected"),
    [
        ("GET", "/api/v1/namespaces", ("list", "namespaces")),
        ("GET", "/api/v1/namespaces/shop", ("get", "namespaces")),
        ("GET", "/api/v1/namespaces/shop/status", ("get", "namespaces/status")),
        ("PUT", "/api/v1/namespaces/shop/finalize", ("update", "namespaces/finalize")),
        ("GET", "/api/v1/namespaces/shop/pods", ("list", "pods")),
        ("GET", "/api/v1/namespaces/shop/pods/web/log", ("get", "pods/log")),
        ("GET", "/api/v1/pods", ("list", "pods")),
        ("GET", "/apis/apps/v1/namespaces/shop/deployments/web", ("get", "deployments")),
        ("PATCH", "/apis/apps/v1/namespaces/s/deployments/w/scale", ("patch", "deployments/scale")),
        ("POST", "/apis/events.k8s.io/v1/namespaces/shop/events", ("create", "events")),
        ("PUT", "/api/v1/nodes/a", ("update", "nodes")),
        ("DELETE", "/api/v1/nodes/a", ("delete", "nodes")),
        ("DELETE", "/api/v1/nodes", ("deletecollection", "nodes")),
        ("GET", "/version", ("get", "/version")),
        ("GET", "/openapi/v3/apis/apps/v1", ("get", "/openapi")),
        ("GET", "/apis", ("get", "/apis")),
        ("GET", "/apis/apps/v1", ("get", "/apis")),
        ("GET", "/api/v1", ("get", "/api")),
    ],
)
def test_requests_are_named_as_the_api_server_names_them(
    method: str, path: str, expected: tuple[str, str]
) -> None:
    assert describe(method, path) == expected


def test_watches_and_applies_have_verbs_of_their_own() -> None:
    assert describe("GET", "/api/v1/pods", watch=True) == ("watch", "pods")
    assert describe("PATCH", "/api/v1/nodes/a", apply=True) == ("apply", "nodes")


names = st.text("abcdefghijklmnopqrstuvwxyz0123456789-.", min_size=1).map("n-".__add__)


@given(names, names, names, st.sampled_from(["", "status"]))
def test_a_label_never_holds_a_name(group: str, namespace: str, name: str, sub: str) -> None:
    path = f"/apis/{group}/v1/namespaces/{namespace}/widgets/{name}/{sub}".rstrip("/")
    assert describe("GET", path) == ("get", "widgets/status" if sub else "widgets")
