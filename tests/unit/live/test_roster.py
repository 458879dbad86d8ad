"""What is news of the objects of a watch."""

from __future__ import annotations

import msgspec

from leadsman.kube.objects import ObjectMeta
from leadsman.kube.stream import Deleted, ListStarted, Observed, Synced
from leadsman.live.roster import News, Roster


def seen(name: str, version: str) -> Observed:
    return Observed(ObjectMeta(name=name, resource_version=version), msgspec.Raw(b"{}"))


def roster() -> Roster:
    return Roster(lambda meta: meta.resource_version)


def named(*names: str) -> frozenset[str]:
    return frozenset(names)


def test_what_appears_changes_and_goes() -> None:
    known = roster()
    assert not known.take(ListStarted())
    assert known.take(seen("a", "1")) == News(appeared=named("a"))
    assert known.take(seen("a", "1")) == News()
    before = known.synced
    assert not known.take(Synced("1"))
    assert (before, known.synced) == (False, True)
    assert known.take(seen("a", "2")) == News(changed=named("a"))
    gone = Deleted(ObjectMeta(name="a", resource_version="3"))
    assert known.take(gone) == News(gone=named("a"))
    assert not known.take(gone)
    assert "a" not in known


def test_what_a_new_list_does_not_hold_is_gone() -> None:
    known = roster()
    for event in (ListStarted(), seen("a", "1"), seen("b", "1"), Synced("1"), ListStarted()):
        known.take(event)
    assert not known.take(seen("b", "1"))
    assert known.take(Synced("2")) == News(gone=named("a"))
    assert "b" in known
