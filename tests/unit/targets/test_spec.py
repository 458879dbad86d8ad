from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leadsman.errors import SpecError
from leadsman.targets.spec import Fields, parse_duration


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("1h2m3.5s", 3723.5),
        ("60s", 60.0),
        ("1m", 60.0),
        ("250ms", 0.25),
        ("1.5h", 5400.0),
        ("0s", 0.0),
        ("1s1s", 2.0),
    ],
)
def test_a_go_duration_is_read_in_seconds(text: str, seconds: float) -> None:
    assert parse_duration(text) == pytest.approx(seconds)


@pytest.mark.parametrize("text", ["", "1", "s", "1d", "-1s", "1s ", " 1s", "1s\n", ".5s", "1.s"])
def test_what_is_no_duration_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is not a duration"):
        parse_duration(text)


def test_a_longer_duration_than_go_can_hold_is_refused() -> None:
    assert parse_duration("2562047h") == pytest.approx(2562047 * 3600)
    with pytest.raises(ValueError, match="too long"):
        parse_duration("2562048h")


@given(st.from_regex(r"([0-9]{1,5}(\.[0-9]{1,3})?(ms|s|m|h)){1,4}", fullmatch=True))
def test_any_text_that_the_crds_pattern_accepts_is_read(text: str) -> None:
    assert parse_duration(text) >= 0


def test_null_is_not_set() -> None:
    fields = Fields("spec", {"name": None, "flag": None, "list": None, "object": None})
    assert fields.text("name", "default") == "default"
    assert fields.flag("flag", default=True) is True
    assert fields.texts("list") == ()
    assert fields.object("object") is None
    fields.close()


def test_the_error_names_the_place_down_to_the_entry() -> None:
    entry = Fields("spec", {"outer": [{"inner": {}}, {"inner": {"texts": ["a", 1]}}]})
    inner = entry.objects("outer")[1].object("inner")
    assert inner is not None
    with pytest.raises(SpecError) as caught:
        inner.texts("texts")
    assert caught.value.message == "spec.outer[1].inner.texts[1]: must be a text, not 1"
    assert caught.value.reason == "InvalidSpec"
    assert not caught.value.retryable


@pytest.mark.parametrize(
    ("value", "shown"),
    [([], "a list"), ({"password": "secret"}, "an object"), (True, "true"), (1.5, "1.5")],
)
def test_an_error_shows_a_value_but_not_what_is_in_it(value: object, shown: str) -> None:
    with pytest.raises(SpecError) as caught:
        Fields("spec", {"name": value}).text("name")
    assert caught.value.message == f"spec.name: must be a text, not {shown}"


def test_a_long_value_is_shortened() -> None:
    with pytest.raises(SpecError) as caught:
        Fields("spec", {"flag": "x" * 1000}).flag("flag")
    assert len(caught.value.message) < 150


def test_what_nobody_has_read_is_unknown() -> None:
    fields = Fields("spec", {"known": "a", "zebra": 1, "apple": 2})
    fields.text("known")
    with pytest.raises(SpecError, match=r"^spec\.apple: unknown field$"):
        fields.close()


def test_an_object_must_be_an_object() -> None:
    with pytest.raises(SpecError, match=r"^spec\.ref: must be an object, not a list$"):
        Fields("spec", {"ref": []}).object("ref")


def nested(levels: int) -> dict[str, Any]:
    """An object with so many levels of lists and objects, itself counted."""
    value: Any = 1
    for level in range(levels - 1):
        value = [value] if level % 2 else {"a": value, "b": 1}
    return {"top": value}


def test_what_is_free_is_not_nested_without_end() -> None:
    assert Fields("spec", {"values": nested(200)}).free_object("values") == nested(200)
    for levels in (201, 5000):
        with pytest.raises(SpecError, match=r"spec.values: is nested deeper than 200 levels"):
            Fields("spec", {"values": nested(levels)}).free_object("values")
