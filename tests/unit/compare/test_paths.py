"""Places are written as RFC 6901 and as the API server write them."""

from __future__ import annotations

from leadsman.compare.paths import Item, field_path, pointer, tokens

_ENV = ("spec", "containers", Item(1, 0, (("name", "web"),)), "env", Item(-1, 4, (("name", "A"),)))


def test_pointer_takes_the_live_index_or_else_the_desired_one() -> None:
    assert pointer(_ENV) == "/spec/containers/1/env/4"


def test_pointer_escapes() -> None:
    assert pointer(("metadata", "annotations", "a/b~c")) == "/metadata/annotations/a~1b~0c"
    assert pointer(("", "x")) == "//x"
    assert pointer(()) == ""


def test_tokens_are_not_escaped() -> None:
    assert tokens(("a/b", Item(2, 2))) == ("a/b", "2")


def test_field_path_names_elements_by_their_keys() -> None:
    assert field_path(_ENV) == '.spec.containers[name="web"].env[name="A"]'
    ports = ("ports", Item(0, 0, (("port", 80), ("protocol", "TCP"))), "name")
    assert field_path(ports) == '.ports[port=80,protocol="TCP"].name'


def test_field_path_of_sets_and_atomic_lists() -> None:
    assert field_path(("finalizers", Item(0, -1, value="a/b"))) == '.finalizers[="a/b"]'
    assert field_path(("args", Item(0, 3))) == ".args[0]"
    assert field_path(("metadata", "labels", "app.kubernetes.io/name")) == (
        ".metadata.labels.app.kubernetes.io/name"
    )
