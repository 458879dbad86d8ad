"""No value of a Secret leaves."""

from __future__ import annotations

from base64 import b64encode
from typing import TYPE_CHECKING, Any

import orjson
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from leadsman.compare.mask import AFTER, BEFORE, SAME, Mask
from leadsman.model.finding import ABSENT
from leadsman.model.identity import Gvk
from unit.compare.samples import DELIVERED, entry, owned, verdict, widget

if TYPE_CHECKING:
    from leadsman.model.finding import Finding
    from leadsman.model.json import JsonObject

_SECRET = Gvk("", "v1", "Secret")


def secret(data: Any = None, **metadata: Any) -> JsonObject:
    made: JsonObject = {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": "s", "namespace": "shop", **metadata},
    }
    if data is not None:
        made["data"] = data
    return made


def encoded(text: str) -> str:
    return b64encode(text.encode()).decode()


def shown(finding: Finding | None) -> list[tuple[str, Any, Any]]:
    assert finding is not None
    return [(change.path, change.desired, change.live) for change in finding.changes]


def test_changed_added_and_removed_keys_show_their_names_only() -> None:
    git = secret({"changed": encoded("before"), "removed": encoded("gone"), "same": encoded("x")})
    live = owned(
        secret({"changed": encoded("after"), "added": encoded("new"), "same": encoded("x")}),
        entry("kubectl-edit", {"f:data": {"f:added": {}}}),
    )
    assert shown(verdict(git, live)) == [
        ("/data/added", ABSENT, AFTER),
        ("/data/changed", BEFORE, AFTER),
        ("/data/removed", BEFORE, ABSENT),
    ]


def test_string_data_is_masked_as_data() -> None:
    git = secret()
    git["stringData"] = {"a": "before"}
    assert shown(verdict(git, owned(secret({"a": encoded("after")}), DELIVERED))) == [
        ("/data/a", BEFORE, AFTER)
    ]


def test_all_data_at_once() -> None:
    git = secret({"a": encoded("one"), "b": encoded("two")})
    assert shown(verdict(git, owned(secret(), DELIVERED))) == [
        ("/data/a", BEFORE, ABSENT),
        ("/data/b", BEFORE, ABSENT),
    ]


def test_equal_values_are_seen_to_be_equal() -> None:
    mask = Mask(secret(), secret(), _SECRET)
    one, other = {"a": "x", "b": "y", "c": "z"}, {"a": "x", "b": "Y"}
    assert mask.values(("data",), one, other) == (
        {"a": SAME, "b": BEFORE, "c": BEFORE},
        {"a": SAME, "b": AFTER},
    )


@pytest.mark.parametrize(
    "text",
    [
        "hunter2-password",
        encoded("hunter2-password"),
        orjson.dumps({"stringData": {"a": "hunter2-password"}}).decode(),
        'prefix "hunter2-password" suffix',
    ],
)
def test_annotations_that_hold_a_value(text: str) -> None:
    data = {"a": encoded("hunter2-password")}
    git = secret(data, annotations={"note": "old"})
    live = secret(data, annotations={"note": text})
    assert shown(verdict(git, owned(live, DELIVERED))) == [
        ("/metadata/annotations/note", BEFORE, AFTER)
    ]
    # The value that was before counts, too.
    live["data"] = {"a": encoded("other")}
    assert ("/metadata/annotations/note", BEFORE, AFTER) in shown(
        verdict(git, owned(live, DELIVERED))
    )


def test_a_value_with_quotes_and_newlines_is_found_in_json() -> None:
    value = 'a "quoted"\nline'
    text = orjson.dumps({"a": value}).decode()
    git = secret({"a": encoded(value)}, annotations={"note": "x"})
    live = secret({"a": encoded(value)}, annotations={"note": text})
    assert shown(verdict(git, owned(live, DELIVERED)))[0][1:] == (BEFORE, AFTER)


def test_other_annotations_are_shown() -> None:
    data = {"a": encoded("hunter2-password"), "empty": ""}
    git = secret(data, annotations={"note": "old"})
    live = secret(data, annotations={"note": "new"})
    assert shown(verdict(git, owned(live, DELIVERED))) == [
        ("/metadata/annotations/note", "old", "new")
    ]


def test_what_is_no_secret_is_shown() -> None:
    git, live = widget({"values": {"data": {"a": "1"}}}), widget({"values": {"data": {"a": "2"}}})
    assert shown(verdict(git, owned(live, DELIVERED))) == [("/spec/values/data/a", "1", "2")]


def embedded(password: str, **more: Any) -> JsonObject:
    return {"apiVersion": "v1", "kind": "Secret", "data": {"password": password}, **more}


def test_embedded_secrets() -> None:
    git = widget({"template": embedded("one"), "values": {"list": [0, embedded("two")]}})
    live = widget({"template": embedded("1"), "values": {"list": [0, embedded("2")]}})
    assert shown(verdict(git, owned(live, DELIVERED))) == [
        ("/spec/template/data/password", BEFORE, AFTER),
        ("/spec/values/list/1/data/password", BEFORE, AFTER),
    ]


def test_secrets_inside_what_was_added_or_removed_as_a_whole() -> None:
    git = widget({"template": embedded("one", stringData={"a": "b"}), "values": {}})
    fields: JsonObject = {"f:spec": {"f:values": {"f:x": {".": {}}}}}
    live = owned(widget({"values": {"x": [embedded("2")]}}), entry("kubectl-edit", fields))
    masked = {
        "apiVersion": "v1",
        "kind": "Secret",
        "data": {"password": BEFORE},
        "stringData": {"a": BEFORE},
    }
    added = {"apiVersion": "v1", "kind": "Secret", "data": {"password": AFTER}}
    assert shown(verdict(git, live)) == [
        ("/spec/template", masked, ABSENT),
        ("/spec/values/x", ABSENT, [added]),
    ]


def test_an_element_has_another_index_in_the_other_document() -> None:
    plain = {"apiVersion": "v1", "kind": "ConfigMap", "data": {"password": "shown"}}
    git = widget({"values": {"list": [embedded("first"), plain]}})
    live = widget({"values": {"list": [plain, embedded("two"), plain]}})
    assert "first" not in repr(verdict(git, owned(live, DELIVERED)))
    assert "two" not in repr(verdict(git, owned(live, DELIVERED)))


def test_what_a_tool_notes_on_a_secret_is_not_shown() -> None:
    """As Rancher's does, packed; or as it was before its values were changed."""
    fields: JsonObject = {"f:metadata": {"f:annotations": {"f:applied": {}}}}
    live = owned(secret({}, annotations={"applied": "H4sIAAAAAAAA"}), entry("rancher", fields))
    told = repr(verdict(secret(), live))
    assert "applied" in told
    assert "H4sI" not in told


_VALUES = st.text(st.characters(codec="utf-8", exclude_characters="*"), min_size=9)
_KEYS = st.sampled_from(["a", "b", "c"])


def _told(git_values: dict[str, str], live_values: dict[str, str], *, as_text: bool) -> str:
    """All that is said of a Secret whose values somebody also noted in an annotation."""
    git = secret()
    if as_text:
        git["stringData"] = git_values
    else:
        git["data"] = {key: encoded(text) for key, text in git_values.items()}
    data = {key: encoded(text) for key, text in live_values.items()}
    note = orjson.dumps({"data": data, "values": live_values}).decode()
    fields = {
        "f:data": {".": {}, **{f"f:{key}": {} for key in data}},
        "f:metadata": {"f:annotations": {"f:note": {}}},
    }
    live = owned(secret(data, annotations={"note": note}), entry("kubectl-edit", fields))
    return repr(verdict(git, live))


@given(
    git_values=st.dictionaries(_KEYS, _VALUES, min_size=1),
    live_values=st.dictionaries(_KEYS, _VALUES),
    as_text=st.booleans(),
)
def test_no_value_leaves(
    git_values: dict[str, str], live_values: dict[str, str], *, as_text: bool
) -> None:
    values = (*git_values.values(), *live_values.values())
    # What is said whatever the values are, the names of fields among it.
    always = _told(dict.fromkeys("abc", "?" * 9), dict.fromkeys("abc", "!" * 9), as_text=as_text)
    assume(all(repr(text)[1:-1] not in always for text in values))
    told = _told(git_values, live_values, as_text=as_text)
    for text in values:
        assert repr(text)[1:-1] not in told
        assert encoded(text) not in told


CONFIG = Gvk("", "v1", "ConfigMap")
GIVEN = frozenset({"hunter2", "correct horse", "40321"})


@pytest.mark.parametrize(
    "value",
    [
        "hunter2",
        " hunter2\n",
        "postgres://shop:correct horse@db",
        f"token {encoded('correct horse')}",
        ["--password", "hunter2"],
        {"deep": [{"pin": 40321}]},
        "postgres://app:hunter2@db/x",
    ],
)
def test_what_a_chart_was_given_from_a_secret_is_in_no_change(value: Any) -> None:
    mask = Mask({}, {}, CONFIG, GIVEN)
    desired, live = mask.values(("data", "a"), value, "by hand")
    assert (desired == value, live) == (False, AFTER)
    assert not any(text in str(desired) for text in GIVEN)
    assert mask.values(("data", "a"), "by hand", value)[0] == BEFORE


@pytest.mark.parametrize("value", ["hunter22", "hunter", 4032, 403210, True, None, "correct"])
def test_what_only_looks_like_it_is_shown(value: Any) -> None:
    assert Mask({}, {}, CONFIG, GIVEN).values(("data", "a"), value, 1) == (value, 1)


@pytest.mark.parametrize("escaped", ["p%40ss%2Fw%20rd", "p%40ss%2Fw+rd"])
def test_a_given_secret_is_found_in_a_url(escaped: str) -> None:
    mask = Mask({}, {}, Gvk("", "v1", "ConfigMap"), frozenset({"p@ss/w rd"}))
    url = f"postgres://app:{escaped}@db/shop"
    assert mask.values(("data", "url"), url, "none") == (BEFORE, AFTER)


def test_a_secret_text_is_found_in_base64_of_base64() -> None:
    secret = "correct-horse-battery"  # noqa: S105 - of this test only
    text = orjson.dumps({"auths": {"example.com": {"password": secret}}})
    once = b64encode(text).decode()
    twice = b64encode(once.encode()).decode()
    for value in (once, twice):
        git = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a"}}
        mask = Mask(git, git, Gvk("", "v1", "ConfigMap"), frozenset({secret}))
        assert mask.values(("data", "x"), value, "other") == (BEFORE, AFTER)
