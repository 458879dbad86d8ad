"""The verdict on one object."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

import orjson
import pytest

from leadsman.compare.judge import judge
from leadsman.errors import CompareError
from leadsman.model.desired import DesiredObject
from leadsman.model.finding import Cause, Op, State
from unit.compare.samples import (
    DELIVERED,
    TIME,
    deployment,
    desired,
    entry,
    gvk_of,
    owned,
    policy,
    schema_of,
    served,
    verdict,
    widget,
)


def test_in_sync_is_nothing_to_tell() -> None:
    assert verdict(deployment(), served(deployment())) is None


def test_missing() -> None:
    finding = verdict(deployment(), None)
    assert finding is not None
    assert (finding.state, finding.changes, finding.file) == (State.MISSING, (), "app/web.yaml")
    assert str(finding.key) == "Deployment.apps shop/web"
    assert finding.gvk == gvk_of(deployment())


def test_modified_names_place_values_and_who_did_it() -> None:
    live = served(deployment())
    live["spec"]["template"]["spec"]["containers"][0]["image"] = "evil:1"
    fields: Any = {"f:spec": {"f:template": {"f:spec": {"f:containers": {}}}}}
    fields["f:spec"]["f:template"]["f:spec"]["f:containers"]['k:{"name":"web"}'] = {"f:image": {}}
    live["metadata"]["managedFields"].append(entry("kubectl-set", fields))
    finding = verdict(deployment(), live)
    assert finding is not None
    assert finding.state is State.MODIFIED
    (change,) = finding.changes
    assert change.path == "/spec/template/spec/containers/0/image"
    assert change.field == '.spec.template.spec.containers[name="web"].image'
    assert (change.op, change.desired, change.live) == (Op.REPLACE, "nginx:1.25", "evil:1")
    assert (change.manager, change.operation, change.time) == ("kubectl-set", "Update", TIME)
    assert change.cause is Cause.LIVE


def test_who_may_add_may_not_change() -> None:
    live = owned(widget({"size": 2}), entry("mine", {"f:spec": {"f:size": {}}}))
    assert verdict(widget({}), live, trusted=("mine",)) is None
    finding = verdict(widget({"size": 1}), live, trusted=("mine",))
    assert finding is not None
    assert finding.state is State.MODIFIED


def test_an_object_in_another_version_is_not_compared() -> None:
    live = {**widget({"size": 2}), "apiVersion": "example.com/v2"}
    finding = verdict(widget({"size": 1}), live)
    assert finding is not None
    assert (finding.state, finding.reason) == (State.UNVERIFIABLE, "VersionMismatch")
    assert "example.com/v2" in finding.message
    assert finding.changes == ()


def test_a_kind_without_schema_is_compared() -> None:
    git, live = widget({"size": 1}), owned(widget({"size": 2}), DELIVERED)
    finding = verdict(git, live, schemaless=True)
    assert finding is not None
    assert [change.path for change in finding.changes] == ["/spec/size"]


def test_the_live_object_is_not_changed() -> None:
    live = served(deployment())
    live["spec"]["replicas"] = 9
    before = deepcopy(live)
    assert verdict(deployment(), live) is not None
    assert live == before


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"null", b'"x"', b'{"a": NaN}'])
def test_what_is_no_document_is_an_error(body: bytes) -> None:
    template = desired(widget({}))
    broken = DesiredObject(template.key, template.gvk, body, b"")
    with pytest.raises(CompareError, match=r"Widget\.example\.com shop/w"):
        judge(broken, widget({}), None, policy())


def test_a_live_object_that_is_none_is_an_error() -> None:
    live: Any = ["no object"]
    with pytest.raises(CompareError):
        judge(desired(widget({})), live, None, policy())


def nested(depth: int, leaf: Any) -> Any:
    value = leaf
    for _ in range(depth):
        value = {"a": value}
    return value


def test_500_levels() -> None:
    git, live = (widget({"values": nested(500, leaf)}) for leaf in ("x", "y"))
    live = owned(live, DELIVERED)
    assert verdict(git, owned(git, DELIVERED)) is None
    finding = verdict(git, live)
    assert finding is not None
    (change,) = finding.changes
    assert (change.desired, change.live) == ("x", "y")
    assert change.path.count("/") == 502
    # An addition that deep, too.
    fields: Any = {"f:spec": {"f:values": {"f:a": {".": {}}}}}
    added = owned(widget({"values": nested(500, "x")}), entry("k9s", fields))
    finding = verdict(widget({"values": {}}), added)
    assert finding is not None
    assert [change.path for change in finding.changes] == ["/spec/values/a"]


def test_the_deepest_that_can_be_read_gives_a_verdict_or_an_error() -> None:
    depth = 1000
    deep = b'{"a":' * depth + b'"x"' + b"}" * depth
    template = desired(widget({}))
    body = template.body.replace(b'"spec":{}', b'"spec":{"values":' + deep + b"}")
    git = DesiredObject(template.key, template.gvk, body, b"")
    live = owned(widget({"values": nested(depth, "y")}), DELIVERED)
    try:
        finding = judge(git, live, schema_of(template.gvk), policy())
    except CompareError as error:
        # Comparing as such may be too deep for the interpreter, which depends on its version.
        outcome = error.reason
    else:
        outcome = "" if finding is None else finding.state.value
    assert outcome in {"TooDeep", "Modified"}


def test_a_set_of_what_is_nested_too_deeply() -> None:
    git, live = (widget({"tags": [nested(300, leaf)]}) for leaf in "ab")
    with pytest.raises(CompareError) as caught:
        verdict(git, owned(live, DELIVERED))
    assert caught.value.reason == "TooDeep"


def test_a_large_object() -> None:
    data = {f"key-{number}": "x" * 1000 for number in range(1500)}
    git = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "big"}, "data": data}
    assert len(orjson.dumps(git)) > 1_500_000
    live = owned(git, DELIVERED)
    assert verdict(git, live) is None
    live["data"] = {**data, "key-7": "changed"}
    finding = verdict(git, live)
    assert finding is not None
    assert [change.path for change in finding.changes] == ["/data/key-7"]


@pytest.mark.parametrize(
    "name", ["", " ", "\x00", "\ufeff", "é", "e\u0301", "😀", "\u202e", "a/b~c", "*", "k:{}", "ǅ"]
)
def test_odd_names(name: str) -> None:
    git, live = widget({"values": {name: 1}}), widget({"values": {name: 2}})
    fields: Any = {"f:spec": {"f:values": {f"f:{name}": {}}}}
    finding = verdict(git, owned(live, entry("k9s", fields)))
    assert finding is not None
    (change,) = finding.changes
    escaped = name.replace("~", "~0").replace("/", "~1")
    assert (change.path, change.manager) == (f"/spec/values/{escaped}", "k9s")


def test_composed_and_decomposed_letters_are_not_the_same() -> None:
    git, live = widget({"values": {"a": "é"}}), widget({"values": {"a": "e\u0301"}})
    assert verdict(git, owned(live, DELIVERED)) is not None


@pytest.mark.parametrize(
    "fields", [None, "x", 7, [None], ["x"], [{}], [{"manager": 1, "fieldsV1": {"f:spec": 1}}], [[]]]
)
def test_corrupt_managed_fields(fields: Any) -> None:
    live = widget({"size": 2, "tags": ["a"]})
    live["metadata"]["managedFields"] = fields
    finding = verdict(widget({"size": 1}), live)
    assert finding is not None
    assert finding.state is State.MODIFIED
    paths = {change.path for change in finding.changes}
    assert "/spec/size" in paths


def test_every_kind_of_the_samples_has_a_schema() -> None:
    assert schema_of(gvk_of(deployment())) is not None
    assert schema_of(gvk_of(widget({}))) is not None
