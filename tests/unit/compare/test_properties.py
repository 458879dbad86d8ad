"""What holds for every object."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from leadsman.model.finding import Op, State
from leadsman.model.target import IgnoreRule
from unit.compare.backwards import apply_backwards, changes_of
from unit.compare.samples import DELIVERED, answered, deployment, owned, verdict, widget

if TYPE_CHECKING:
    from leadsman.model.json import Json, JsonObject

_WORDS = st.sampled_from(["a", "b", "c", "1", "", "é"])
_JSON = st.recursive(
    st.none() | st.booleans() | st.integers(0, 2) | _WORDS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_WORDS, inner, max_size=3),
    max_leaves=8,
)


def some(**fields: st.SearchStrategy[Any]) -> st.SearchStrategy[JsonObject]:
    """Objects with any of the fields."""
    return st.fixed_dictionaries({}, optional=fields)


def named(**fields: st.SearchStrategy[Any]) -> st.SearchStrategy[list[JsonObject]]:
    """Lists of objects with a name each, no two of them the same."""
    item = st.fixed_dictionaries({"name": st.sampled_from(["x", "y", "z"])}, optional=fields)
    return st.lists(item, max_size=3, unique_by=lambda element: element["name"])


_QUANTITIES = st.sampled_from(["1", "1000m", 1, "0", "1Gi", "1024Mi", "0.5"])
_WIDGETS = some(
    size=st.none() | st.integers(0, 4),
    enabled=st.booleans(),
    note=st.none() | _WORDS,
    memory=_QUANTITIES,
    timeout=st.sampled_from(["60s", "1m", "2m"]),
    self=st.just({}),
    limits=some(cpu=_WORDS, burst=st.booleans()),
    values=st.dictionaries(_WORDS, _JSON, max_size=3),
    rules=st.lists(some(name=_WORDS, weight=st.integers(0, 2)), max_size=3),
    tags=st.lists(_WORDS, max_size=3, unique=True),
    parts=named(count=st.integers(0, 2)),
).map(widget)

_CONTAINER = {
    "image": st.sampled_from(["a", "a:1", "a:latest"]),
    "args": st.none() | st.lists(_WORDS, max_size=3),
    "stdin": st.booleans(),
    "env": st.none() | named(value=_WORDS),
    "ports": st.lists(
        st.fixed_dictionaries(
            {"containerPort": st.integers(1, 2)},
            optional={"protocol": st.sampled_from(["TCP", "UDP"]), "name": _WORDS},
        ),
        max_size=3,
        unique_by=lambda port: (port["containerPort"], port.get("protocol", "TCP")),
    ),
    "resources": st.none() | some(limits=st.none() | some(cpu=_QUANTITIES, memory=_QUANTITIES)),
    "securityContext": some(runAsUser=st.integers(0, 1), privileged=st.booleans()),
}
_DEPLOYMENTS = some(
    automountServiceAccountToken=st.booleans(),
    hostNetwork=st.booleans(),
    nodeSelector=st.none() | st.dictionaries(_WORDS, _WORDS, max_size=2),
    tolerations=st.none() | st.lists(some(key=_WORDS, operator=_WORDS), max_size=3),
    serviceAccountName=_WORDS,
    securityContext=some(fsGroup=st.integers(0, 1)),
    containers=named(**_CONTAINER),
).map(deployment)

# The machine that tests run on may be busy with other things.
_SETTINGS = settings(suppress_health_check=[HealthCheck.too_slow])

_OBJECTS = _WIDGETS | _DEPLOYMENTS
_PAIRS = st.tuples(_WIDGETS, _WIDGETS) | st.tuples(_DEPLOYMENTS, _DEPLOYMENTS)


def shuffled(value: Json, data: st.DataObject) -> Json:
    """Put every list whose elements have names or ports into another order."""
    if isinstance(value, dict):
        return {key: shuffled(item, data) for key, item in value.items() if key != "rules"} | {
            key: item for key, item in value.items() if key == "rules"
        }
    if not isinstance(value, list):
        return value
    items = [shuffled(item, data) for item in value]
    has_keys = all(isinstance(item, dict) and item.keys() & _KEYS for item in items)
    return data.draw(st.permutations(items)) if has_keys else items


_KEYS = {"name", "containerPort"}


@given(_OBJECTS)
@_SETTINGS
def test_an_object_is_in_sync_with_itself(obj: JsonObject) -> None:
    assert verdict(obj, obj) is None
    assert verdict(obj, owned(obj, DELIVERED)) is None


@given(_OBJECTS, st.data())
@_SETTINGS
def test_so_it_is_in_any_order_of_lists_with_keys(obj: JsonObject, data: st.DataObject) -> None:
    assert verdict(obj, {**obj, "spec": _shuffled_spec(obj, data)}) is None


def _shuffled_spec(obj: JsonObject, data: st.DataObject) -> JsonObject:
    spec: JsonObject = shuffled(obj["spec"], data)
    # What has no type has an order.
    return spec | {"values": obj["spec"]["values"]} if "values" in spec else spec


# Nobody can be named here, so that every difference counts, and none is trusted.
@given(_PAIRS)
@settings(_SETTINGS, max_examples=300)
def test_changes_applied_backwards_give_an_object_in_sync(
    pair: tuple[JsonObject, JsonObject],
) -> None:
    git, live = pair
    restored = apply_backwards(live, changes_of(verdict(git, live)))
    assert changes_of(verdict(git, restored)) == ()


@given(_PAIRS, st.data())
@_SETTINGS
def test_a_difference_disappears_when_its_place_is_set_to_gits_value(
    pair: tuple[JsonObject, JsonObject], data: st.DataObject
) -> None:
    git, live = pair
    before = changes_of(verdict(git, live))
    # What was put into a list without keys, or taken out of it, moves all that comes after.
    alone = [c for c in before if c.op is Op.REPLACE or not re.search(r"\[\d+\]$", c.field)]
    if not alone:
        return
    change = data.draw(st.sampled_from(alone))
    after = changes_of(verdict(git, apply_backwards(live, [change])))
    assert len(after) < len(before)
    if change.op is Op.REPLACE:
        assert change.path not in [other.path for other in after if other.op is Op.REPLACE]


@given(_PAIRS)
@_SETTINGS
def test_verdict_and_changes_agree(pair: tuple[JsonObject, JsonObject]) -> None:
    git, live = pair
    finding = verdict(git, live)
    if finding is not None:
        assert finding.changes
        assert finding.state in {State.MODIFIED, State.ADDED}
        # An element that is gone and one that is new may have the same index.
        places = [(change.path, change.field) for change in finding.changes]
        assert places == sorted(set(places))
        for change in finding.changes:
            # Not by ==, for which False is 0.
            assert repr(change.desired) != repr(change.live)


_TOKENS = st.sampled_from(["spec", "*", "values", "template", "containers", "0", "env", "a"])
_POINTERS = st.lists(_TOKENS, max_size=4).map(lambda tokens: "".join(f"/{t}" for t in tokens))


@given(_PAIRS, st.lists(_POINTERS, min_size=1, max_size=3))
@_SETTINGS
def test_every_suppression_names_its_rule_and_nothing_else_is_lost(
    pair: tuple[JsonObject, JsonObject], pointers: list[str]
) -> None:
    git, live = pair
    rules = tuple(IgnoreRule((path,), origin=path or "all") for path in pointers)
    plain = changes_of(verdict(git, live))
    finding = verdict(git, live, ignore=rules)
    ignored = () if finding is None else finding.ignored
    for one in ignored:
        tokens, place = one.rule.split("/")[1:], one.path.split("/")[1:]
        assert one.rule == "all" or all(
            token in {"*", at} for token, at in zip(tokens, place, strict=False)
        )
    kept = changes_of(finding)
    told = [change.path for change in kept] + [one.path for one in ignored]
    assert len(told) >= len(plain)
    for change in plain:
        assert any(path == change.path or path.startswith(f"{change.path}/") for path in told)


@given(_PAIRS)
@_SETTINGS
def test_what_the_api_server_would_leave_as_it_is_has_not_drifted(
    pair: tuple[JsonObject, JsonObject],
) -> None:
    git, live = pair
    finding = answered(git, live, live)
    before = verdict(git, live)
    assert all(change.op is Op.ADD for change in changes_of(finding))
    if finding is not None and before is not None:
        # Nothing is lost on the way: each difference is drift, or it is excused.
        told = {change.path for change in (*finding.changes, *finding.excused)}
        assert told == {change.path for change in before.changes}


@given(_PAIRS)
@settings(_SETTINGS, max_examples=300)
def test_what_the_api_server_would_set_to_gits_value_has_drifted(
    pair: tuple[JsonObject, JsonObject],
) -> None:
    git, live = pair
    before = changes_of(verdict(git, live))
    assert changes_of(answered(git, live, apply_backwards(live, before))) == before


def _with_port(**port: Json) -> JsonObject:
    return deployment({"containers": [{"name": "x", "ports": [{"containerPort": 1, **port}]}]})


@given(_OBJECTS, _OBJECTS)
@example(_with_port(), _with_port(protocol="UDP"))
@example(widget({"rules": [{"name": "a"}]}), widget({"rules": [{"name": "b"}, {"name": "a"}]}))
@_SETTINGS
def test_what_live_has_exactly_as_git_says_has_not_drifted(
    obj: JsonObject, merged: JsonObject
) -> None:
    if obj["kind"] == merged["kind"]:
        assert changes_of(answered(obj, obj, merged)) == ()
