from __future__ import annotations

import pytest

from leadsman.errors import RenderError
from leadsman.render.yaml import load_documents, read_manifests


def refusal(text: str) -> RenderError:
    with pytest.raises(RenderError) as caught:
        load_documents(text, "apps/shop.yaml")
    assert not caught.value.retryable
    return caught.value


def test_documents_come_as_they_are_read() -> None:
    assert load_documents("a: yes\n---\n---\n{b: 0777}", "x") == [{"a": True}, {"b": 511}]
    assert load_documents(b'{"a": 1}', "x") == [{"a": 1}]
    assert load_documents("# nothing\n", "x") == []


def test_a_duplicate_key_is_refused_with_file_and_line() -> None:
    error = refusal("kind: A\nspec:\n  size: 1\n  size: 2\n")
    assert error.reason == "DuplicateKey"
    assert error.message.startswith("apps/shop.yaml:4: the key 'size' stands twice")


def test_a_problem_is_told_with_file_and_line() -> None:
    error = refusal("kind: A\nspec: [\n")
    assert error.reason == "InvalidYAML"
    assert error.message.startswith("apps/shop.yaml:3: ")


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("kind: A\nname: {{ .Values.name }}\n", 2),
        ("kind: A\n{{- if .Values.on }}\nspec: 1\n{{- end }}\n", 2),
        ("kind: A\nspec:\n  {{ toYaml .Values | nindent 2 }}\n  b: 1\n", 3),
    ],
)
def test_a_template_is_told_from_bad_yaml(text: str, line: int) -> None:
    error = refusal(text)
    assert error.reason == "TemplateInManifest"
    assert error.message.startswith(f"apps/shop.yaml:{line}: ")


def test_braces_in_strings_are_no_template() -> None:
    text = "kind: Rule\nannotations: {summary: '{{ $labels.pod }} is down'}\n"
    assert load_documents(text, "x")[0]["annotations"] == {"summary": "{{ $labels.pod }} is down"}


def test_a_problem_far_from_a_template_is_no_template() -> None:
    assert refusal("a: '{{ x }}'\nb: 1\nc: 1\nd: [\n").reason == "InvalidYAML"


def test_manifests_know_their_place() -> None:
    manifests, warnings = read_manifests(b"a: 1\n...\nlost: 1\n---\n\nb: 1\n", "apps/shop.yaml")
    assert [str(manifest) for manifest in manifests] == ["apps/shop.yaml:1", "apps/shop.yaml:6"]
    assert len(warnings) == 1
    assert warnings[0].startswith("apps/shop.yaml:2: what follows '...' is not read")
