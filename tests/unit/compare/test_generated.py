"""What holds for every object of every kind, made from the kind's own schema."""

from __future__ import annotations

from copy import deepcopy
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from leadsman.model.finding import State
from unit.compare.backwards import apply_backwards, changes_of
from unit.compare.generated import Kinds, blended
from unit.compare.samples import DELIVERED, builtin_document, owned, verdict

if TYPE_CHECKING:
    from leadsman.model.json import JsonObject

KINDS = Kinds(builtin_document())
_SETTINGS = settings(
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large], max_examples=25
)
# What a Secret holds is masked, so that nobody can put it back.
UNMASKED = [kind for kind in sorted(KINDS) if kind[2] != "Secret"]
every_kind = pytest.mark.parametrize("kind", sorted(KINDS), ids=lambda kind: kind[2])


def pairs(kind: tuple[str, str, str]) -> st.SearchStrategy[tuple[JsonObject, JsonObject]]:
    """What Git has, and what lives."""
    objects = KINDS.objects(*kind)

    @st.composite
    def make(draw: Any) -> tuple[JsonObject, JsonObject]:
        git, other = draw(objects), draw(objects)
        live = draw(blended(git, other))
        return git, {**live, "apiVersion": git["apiVersion"], "kind": git["kind"]}

    return make()


@every_kind
@given(data=st.data())
@_SETTINGS
def test_an_object_is_in_sync_with_itself(kind: tuple[str, str, str], data: st.DataObject) -> None:
    obj = data.draw(KINDS.objects(*kind))
    assert verdict(obj, deepcopy(obj)) is None
    assert verdict(obj, owned(obj, DELIVERED)) is None


@pytest.mark.parametrize("kind", UNMASKED, ids=lambda kind: kind[2])
@given(data=st.data())
@_SETTINGS
def test_changes_applied_backwards_give_an_object_in_sync(
    kind: tuple[str, str, str], data: st.DataObject
) -> None:
    git, live = data.draw(pairs(kind))
    before = deepcopy(live)
    finding = verdict(git, live)
    assert live == before
    restored = apply_backwards(live, changes_of(finding))
    assert changes_of(verdict(git, restored)) == ()
    if finding is not None:
        assert finding.changes
        assert finding.state in {State.MODIFIED, State.ADDED}
