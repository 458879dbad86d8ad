"""What differs inside of texts, with what real projects put into them."""

from __future__ import annotations

import json
from base64 import b64encode
from typing import TYPE_CHECKING

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from controlplane.tls import Authority
from inputs import real_input
from leadsman.report.embedded import decoded, readable, structure
from leadsman.report.nested import Part, parts
from leadsman.report.text import change_lines, change_text, difference_lines
from leadsman.report.truncate import lay_out
from unit.report.samples import change, finding

if TYPE_CHECKING:
    from pathlib import Path

DASHBOARD = "install/kubernetes/cilium/files/cilium-agent/dashboards/cilium-dashboard.json"
RULES = "dev-env/kube-prometheus/manifests/kubernetes-prometheusRule.yaml"


def encoded(text: str) -> str:
    return b64encode(text.encode()).decode()


def test_of_a_dashboard_the_changed_places_are_told() -> None:
    before = (real_input("cilium") / DASHBOARD).read_text()
    assert len(before) > 100_000
    dashboard = json.loads(before)
    title = dashboard["panels"][2]["title"]
    dashboard["panels"][2]["title"] = "Mine"
    del dashboard["refresh"]
    after = json.dumps(dashboard)  # in another style, too
    told = change('.data["cilium.json"]', before, after)
    assert difference_lines(told) == [
        f'panels[2].title: "{title}" -> "Mine"',
        f'refresh: removed, was "{json.loads(before)["refresh"]}"',
    ]
    assert change_text(told).startswith(
        f'data["cilium.json"]: panels[2].title: "{title}" -> "Mine", and 1 more'
    )
    (shown,) = lay_out([finding(changes=(told,))], 100_000).objects[0]["changes"]
    assert shown["diff"] == "\n".join(difference_lines(told))
    assert max(len(shown["desired"]), len(shown["live"])) < 1200


def test_of_rules_in_yaml_the_changed_places_are_told() -> None:
    before = (real_input("metallb") / RULES).read_text()
    rules = yaml.safe_load(before)
    rule = rules["spec"]["groups"][0]["rules"][0]
    told = change('.data["rules.yaml"]', before, before.replace(rule["for"], "99m", 1))
    lines = difference_lines(told)
    assert lines == [f'spec.groups[0].rules[0].for: "{rule["for"]}" -> "99m"']


def test_of_a_text_in_yaml_the_changed_lines_are_told() -> None:
    script = "#!/bin/sh\n" + "\n".join(f"echo {number}" for number in range(99))
    before = yaml.safe_dump({"hooks": {"start": script}, "a": 1}, default_style="|")
    after = yaml.safe_dump({"hooks": {"start": script.replace("echo 7\n", "rm -r\n")}, "a": 1})
    assert difference_lines(change(".data.x", before, after)) == [
        "hooks.start:",
        "  @@ line 9 @@",
        "  - echo 7",
        "  + rm -r",
    ]


def test_a_ca_bundle_is_told_by_its_certificates(tmp_path: Path) -> None:
    folders = tmp_path / "a", tmp_path / "b"
    bundles = []
    for folder in folders:
        folder.mkdir()
        bundles.append(Authority(folder).ca_file.read_text())
    field = '.webhooks[name="a.b"].clientConfig.caBundle'
    lines = difference_lines(change(field, *map(encoded, bundles)))
    assert lines[:2] == ["decoded:", "  @@ line 2 @@"]
    assert f"  - {bundles[0].splitlines()[1]}" in lines


def test_json_in_base64_is_looked_into() -> None:
    before, after = (encoded(json.dumps({"auths": {"a.b": {"x": value}}})) for value in (1, 2))
    assert parts(before, after) == [Part('auths["a.b"].x', 1, 2, decoded=True)]
    assert change_text(change(".spec.config", before, after)).startswith(
        'spec.config: decoded auths["a.b"].x: 1 -> 2'
    )
    wrapped = json.dumps({"inner": before}), json.dumps({"inner": after})
    assert parts(*wrapped) == [Part('inner: auths["a.b"].x', 1, 2, decoded=True)]


def test_bytes_that_are_no_text_are_told_by_their_size() -> None:
    before, after = (b64encode(bytes(range(128, 128 + size))).decode() for size in (64, 65))
    told = change_lines(change(".binaryData.logo", before, after))
    assert len(told) == 1
    assert '"64 bytes, sha256 ' in told[0]
    assert '-> "65 bytes, sha256 ' in told[0]
    # Anywhere else it may be a name by chance.
    assert parts(before, after, ".spec.name") == []


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("web:1", "web:2"),
        ("deadbeef", "deadbee5"),
        ("kube-system", "kube-public"),
        ("a" * 40, "b" * 40),
        ("just\nprose", "other\nprose"),
        ('{"a": 1}', "not json"),
        ('{"a": 1}', '{ "a": 1 }'),
        ("a: 1 # one\nb: 2\n", "a: 1 # two\nb: 2\n"),
        ("[", "]"),
        ("{}\n{}", "{}\n[]"),
        ("a: &x [1]\nb: *x\n", "a: &x [2]\nb: *x\n"),
        ("---\na: 1\n---\nb: 1\n", "---\na: 2\n---\nb: 1\n"),
        ("? [a]\n: 1\n", "? [b]\n: 1\n"),
    ],
)
def test_what_only_looks_like_it_is_left_as_it_is(before: str, after: str) -> None:
    assert parts(before, after, ".data.x") == []


def test_what_would_take_long_is_not_read() -> None:
    """What is not linear runs into the time limit of a test."""
    bomb = "a: &a [x,x,x,x,x,x,x,x,x]\n" + "".join(
        f"{new}: &{new} [{','.join([f'*{old}'] * 9)}]\n"
        for old, new in zip("abcdefgh", "bcdefghi", strict=True)
    )
    deep = "[\n" * 50_000
    for text in (bomb, deep, "- " * 50_000 + "\n", '{"a":' * 50_000, "a: b\n" * 100_000):
        assert structure(text) is None
    assert parts(bomb, bomb + "z: 1\n") == []


@given(st.text(), st.text())
def test_any_two_texts_can_be_looked_into(before: str, after: str) -> None:
    for part in parts(before, after, ".binaryData.x"):
        assert part.before != part.after or type(part.before) is not type(part.after)


@given(st.binary(min_size=12))
def test_base64_is_read_as_it_was_written(raw: bytes) -> None:
    assert decoded(b64encode(raw).decode()) == raw
    text = readable(raw)
    assert text is None or text.encode() == raw
