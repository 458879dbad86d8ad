from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from multidict import CIMultiDict

from leadsman.source.pushes import Other, Ping, Push, forge_of, read_push
from unit.source.deliveries import (
    BITBUCKET_CLOUD,
    BITBUCKET_SERVER,
    DELIVERIES,
    GENERIC,
    GITHUB,
    GITLAB,
)

if TYPE_CHECKING:
    from unit.source.deliveries import Delivery

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=8,
)


def read(delivery: Delivery, **headers: str) -> Push | Ping | Other:
    sent = CIMultiDict(delivery.headers)
    sent.update({name.replace("_", "-"): value for name, value in headers.items()})
    return read_push(sent, delivery.payload)


@pytest.mark.parametrize("delivery", DELIVERIES.values(), ids=DELIVERIES)
def test_a_push_names_the_repository_by_all_its_addresses(delivery: Delivery) -> None:
    assert read(delivery) == Push(delivery.names)
    assert forge_of(CIMultiDict(delivery.headers)) == delivery.forge


@pytest.mark.parametrize(
    ("delivery", "event"),
    [
        (GITHUB, {"X_GitHub_Event": "ping"}),
        (BITBUCKET_SERVER, {"X_Event_Key": "diagnostics:ping"}),
    ],
)
def test_a_webhook_that_is_tried_tells_of_no_push(
    delivery: Delivery, event: dict[str, str]
) -> None:
    assert isinstance(read(delivery, **event), Ping)


@pytest.mark.parametrize(
    ("delivery", "event"),
    [
        (GITHUB, {"X_GitHub_Event": "issues"}),
        (DELIVERIES["gitea"], {"X_Gitea_Event": "issue_comment"}),
        (GITLAB, {"X_Gitlab_Event": "Issue Hook"}),
        (BITBUCKET_CLOUD, {"X_Event_Key": "pullrequest:created"}),
    ],
)
def test_another_event_of_the_repository_is_no_push(
    delivery: Delivery, event: dict[str, str]
) -> None:
    assert isinstance(read(delivery, **event), Other)


@pytest.mark.parametrize(
    ("delivery", "event"),
    [
        (GITHUB, {"X_GitHub_Event": "create"}),
        (GITLAB, {"X_Gitlab_Event": "Tag Push Hook"}),
        (BITBUCKET_SERVER, {"X_Event_Key": "mirror:repo_synchronized"}),
    ],
)
def test_what_moves_a_reference_is_a_push(delivery: Delivery, event: dict[str, str]) -> None:
    assert read(delivery, **event) == Push(delivery.names)


@pytest.mark.parametrize("name", ["push", "tag_push", "repository_update"])
def test_a_system_hook_of_gitlab_names_its_event_in_the_body(name: str) -> None:
    hook = replace(GITLAB, payload=GITLAB.payload | {"event_name": name})
    assert read(hook, X_Gitlab_Event="System Hook") == Push(GITLAB.names)
    created = replace(GITLAB, payload=GITLAB.payload | {"event_name": "project_create"})
    assert isinstance(read(created, X_Gitlab_Event="System Hook"), Other)


@pytest.mark.parametrize(
    ("delivery", "payload", "why"),
    [
        (GENERIC, {"ref": "refs/heads/main"}, "no repository"),
        (GENERIC, {"url": "shop"}, "no repository"),
        (GENERIC, {"url": ["https://git.example.com/a"]}, "no repository"),
        (GENERIC, [], "no JSON object"),
        (GITHUB, {"repository": None}, "no repository"),
        # As Bitbucket Server sent it before it told of links.
        (BITBUCKET_SERVER, {"repository": {"slug": "shop"}}, "no repository"),
        (BITBUCKET_SERVER, {"repository": {"links": {"clone": [3, {}]}}}, "no repository"),
    ],
)
def test_a_push_to_nowhere_is_said(delivery: Delivery, payload: Any, why: str) -> None:
    with pytest.raises(ValueError, match=why):
        read(replace(delivery, payload=payload))


@given(
    delivery=st.sampled_from(list(DELIVERIES.values())),
    part=st.sampled_from(["", "repository", "project", "url", "links"]),
    value=JSON,
)
def test_a_strange_body_is_read_or_refused(delivery: Delivery, part: str, value: Any) -> None:
    payload = value if not part else delivery.payload | {part: value}
    if part == "links":
        payload = {"repository": {"links": value}}
    try:
        event: object = read(replace(delivery, payload=payload))
    except ValueError as error:
        event = error
    match event:
        case Push(names):
            assert names
        case _:
            assert str(event).startswith("the body ")
