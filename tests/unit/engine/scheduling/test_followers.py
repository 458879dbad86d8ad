from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from leadsman.engine.scheduling.followers import followers_of
from leadsman.model.identity import TargetKey
from leadsman.model.source import GitRef, GitSource, LocalSource
from leadsman.model.target import Target
from unit.engine.samples import target_state

if TYPE_CHECKING:
    from leadsman.engine.state import TargetState

SHOP = {"git.example.com/team/shop", "git.example.com:2222/team/shop"}


def follower(name: str, source: GitSource | LocalSource, *, suspended: bool = False) -> TargetState:
    state = target_state(name)
    state.target = Target(TargetKey("DriftCheck", "shop", name), source, suspended=suspended)
    return state


def test_those_that_name_the_repository_follow_it_however_they_reach_it() -> None:
    https = follower("https", GitSource("https://git.example.com/team/shop"))
    ssh = follower("ssh", GitSource("ssh://git@git.example.com:2222/team/shop.git"))
    tag = follower("tag", GitSource("https://git.example.com/Team/Shop.git", GitRef(tag="v1")))
    others = [
        follower("other", GitSource("https://git.example.com/team/shopping")),
        follower("elsewhere", GitSource("https://git.example.org/team/shop")),
        follower("local", LocalSource(Path("/team/shop"))),
        follower("broken", GitSource("shop")),
        target_state("none"),
    ]
    assert followers_of([https, *others, ssh, tag], SHOP) == [https.key, ssh.key, tag.key]
    assert followers_of([https, ssh, tag, *others], {"git.example.com/team/none"}) == []
    assert followers_of([https, ssh, tag, *others], set()) == []


def test_a_suspended_target_follows_nothing() -> None:
    source = GitSource("https://git.example.com/team/shop")
    state = follower("web", source, suspended=True)
    assert followers_of([state], SHOP) == []
    assert state.target is not None
    state.target = replace(state.target, suspended=False)
    assert followers_of([state], SHOP) == [state.key]
