"""What a forge's webhook tells: that somebody has pushed, and to which repository."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from leadsman.source.url import repository_name

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping


class Forge(StrEnum):
    """Who sends a webhook; ``GENERIC`` is whoever sends ``{"url": "..."}``."""

    GITHUB = "github"
    GITLAB = "gitlab"
    GITEA = "gitea"
    FORGEJO = "forgejo"
    BITBUCKET = "bitbucket"
    GENERIC = "generic"


# The header that names the event. Gitea sends GitHub's as well, and Forgejo sends Gitea's.
_EVENT_HEADERS = {
    Forge.FORGEJO: "X-Forgejo-Event",
    Forge.GITEA: "X-Gitea-Event",
    Forge.GITHUB: "X-GitHub-Event",
    Forge.GITLAB: "X-Gitlab-Event",
    Forge.BITBUCKET: "X-Event-Key",
}
# All headers that are read here.
HEADERS = tuple(_EVENT_HEADERS.values())
# Events after which a reference of the repository may mean another commit. GitLab's system hooks
# name theirs in the body. Source: the forges' lists of webhook events.
_PUSHES = {"push", "create", "delete"}
_GITLAB_PUSHES = {"Push Hook", "Tag Push Hook"}
_GITLAB_SYSTEM, _GITLAB_SYSTEM_PUSHES = "System Hook", {"push", "tag_push", "repository_update"}
_BITBUCKET_PUSHES = {"repo:push", "repo:refs_changed", "mirror:repo_synchronized"}
# What is sent when a webhook is made or tried.
_PINGS = {"ping", "diagnostics:ping"}
# Where a repository's addresses stand. A page's address is that of the repository without ".git".
_ADDRESSES = ("clone_url", "ssh_url", "git_url", "html_url")
_GITLAB_ADDRESSES = ("git_http_url", "git_ssh_url", "http_url", "ssh_url", "url", "web_url")


@dataclass(frozen=True, slots=True)
class Push:
    """A push to a repository; ``names`` are its addresses in the form of ``repository_name``."""

    names: frozenset[str]


class Ping:
    """A forge asks whether anybody is there."""


class Other:
    """Something else has happened."""


def forge_of(headers: Mapping[str, str]) -> Forge:
    """Return who says to have sent a request; ``headers`` find names whatever their case."""
    named = (forge for forge, header in _EVENT_HEADERS.items() if header in headers)
    return next(named, Forge.GENERIC)


def read_push(headers: Mapping[str, str], payload: object) -> Push | Ping | Other:
    """Read a webhook's request, whose body is the JSON value ``payload``.

    Raises:
        ValueError: it cannot be read; the text says why and may be shown to the sender.
    """
    if not isinstance(payload, dict):
        raise ValueError("the body is no JSON object")  # noqa: TRY004 - not a caller's mistake
    forge = forge_of(headers)
    event = headers.get(_EVENT_HEADERS.get(forge, ""), "")
    if event in _PINGS:
        return Ping()
    if not _is_push(forge, event, payload):
        return Other()
    names = frozenset(filter(None, map(repository_name, _addresses(forge, payload))))
    if not names:
        raise ValueError("the body names no repository by its address")
    return Push(names)


def _is_push(forge: Forge, event: str, payload: Mapping[str, Any]) -> bool:
    match forge:
        case Forge.GENERIC:
            return True
        case Forge.BITBUCKET:
            return event in _BITBUCKET_PUSHES
        case Forge.GITLAB:
            system = event == _GITLAB_SYSTEM
            name = payload.get("event_name")
            return event in _GITLAB_PUSHES or (
                system and isinstance(name, str) and name in _GITLAB_SYSTEM_PUSHES
            )
        case _:
            return event in _PUSHES


def _addresses(forge: Forge, payload: Mapping[str, Any]) -> Iterator[str]:
    repository = _object(payload.get("repository"))
    match forge:
        case Forge.GENERIC:
            yield from _texts(payload, ("url",))
        case Forge.GITLAB:
            yield from _texts(_object(payload.get("project")), _GITLAB_ADDRESSES)
            yield from _texts(repository, _GITLAB_ADDRESSES)
        case Forge.BITBUCKET:
            links = _object(repository.get("links"))
            # Cloud tells the page's address alone, Data Center each protocol's.
            yield from _texts(_object(links.get("html")), ("href",))
            clones = links.get("clone")
            for link in clones if isinstance(clones, list) else ():
                yield from _texts(_object(link), ("href",))
        case _:
            yield from _texts(repository, _ADDRESSES)


def _object(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _texts(values: Mapping[str, Any], names: tuple[str, ...]) -> Iterator[str]:
    for name in names:
        if isinstance(text := values.get(name), str):
            yield text
