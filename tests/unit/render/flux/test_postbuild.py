from __future__ import annotations

import pytest

from leadsman.errors import RenderError
from leadsman.model.target import FluxBuild
from leadsman.render.flux.postbuild import PostBuild, digest_of, put_variables
from leadsman.render.request import ValuesDocument

BUILD = b"""\
apiVersion: v1
data:
  number: "${number}"
  plain: ${text}
kind: ConfigMap
metadata:
  name: one
---
apiVersion: v1
data:
  text: ${text}
kind: ConfigMap
metadata:
  annotations:
    kustomize.toolkit.fluxcd.io/substitute: disabled
  name: two
"""


def flux(variables: dict[str, str] | None = None, *, always: bool = False) -> FluxBuild:
    return FluxBuild("shop", "apps", variables=variables, always=always)


def test_what_is_its_own_wins_and_lines_are_joined() -> None:
    documents = (
        ValuesDocument("first", "a"),
        ValuesDocument("b\nb", "b", secret=True),
        ValuesDocument("later", "a"),
        ValuesDocument("lost", "c"),
    )
    made = PostBuild.of(flux({"c": "own"}), documents)
    assert made is not None
    assert made.variables == {"a": "later", "b": "bb", "c": "own"}
    assert made.secret
    assert "bb" not in repr(made)
    assert made.labels == {
        "kustomize.toolkit.fluxcd.io/name": "shop",
        "kustomize.toolkit.fluxcd.io/namespace": "apps",
    }


@pytest.mark.parametrize(
    ("build", "variables"),
    [(flux(), None), (flux({}), None), (flux({}, always=True), {}), (flux({"a": ""}), {"a": ""})],
)
def test_when_texts_are_read_for_variables(
    build: FluxBuild, variables: dict[str, str] | None
) -> None:
    made = PostBuild.of(build, ())
    assert made is not None
    assert made.variables == variables
    assert PostBuild.of(None, ()) is None


@pytest.mark.parametrize("name", ["a-b", "1a", "", "ä", "a.b", "a\n"])
def test_a_name_that_flux_takes_for_none_is_refused(name: str) -> None:
    with pytest.raises(RenderError, match="cannot be the name of a variable"):
        PostBuild.of(flux(), ()) and PostBuild.of(flux({name: "x"}), ())


def test_quotes_decide_what_a_value_is() -> None:
    found = put_variables(BUILD, {"number": "012", "text": "012"})
    assert (
        found
        == b"""\
apiVersion: v1
data:
  number: "012"
  plain: 10
kind: ConfigMap
metadata:
  name: one
---
apiVersion: v1
data:
  text: ${text}
kind: ConfigMap
metadata:
  annotations:
    kustomize.toolkit.fluxcd.io/substitute: disabled
  name: two
"""
    )
    assert digest_of(b"") == (
        "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    )


@pytest.mark.parametrize(
    ("value", "said"),
    [("a: b: c", "ConfigMap one with its variables put in: line 4"), ("[", "ConfigMap one")],
)
def test_what_is_no_yaml_any_more_is_said_without_the_value(value: str, said: str) -> None:
    with pytest.raises(RenderError) as raised:
        put_variables(BUILD, {"text": value})
    assert said in raised.value.message
    assert value not in raised.value.message.removeprefix(said)


def test_a_malformed_expression_names_its_object() -> None:
    with pytest.raises(RenderError, match=r"^ConfigMap one: postBuild: line 4: "):
        put_variables(BUILD.replace(b"${text}", b"${te-xt}", 1), {"a": "b"})


@pytest.mark.parametrize(
    ("metadata", "expected"),
    [
        ({"labels": {"kustomize.toolkit.fluxcd.io/reconcile": "disabled"}}, True),
        ({"annotations": {"kustomize.toolkit.fluxcd.io/ssa": "ignore"}}, True),
        ({"annotations": {"kustomize.toolkit.fluxcd.io/ssa": "Ignore"}}, True),
        ({"annotations": {"kustomize.toolkit.fluxcd.io/ssa": "Merge"}}, False),
        ({"annotations": None}, False),
        (None, False),
    ],
)
def test_what_flux_leaves_alone(metadata: object, *, expected: bool) -> None:
    assert PostBuild.leaves_out({"metadata": metadata}) is expected
