from __future__ import annotations

import hashlib
import re
from typing import TYPE_CHECKING, Any

import orjson
import pytest

from leadsman.errors import RenderError
from leadsman.model.identity import Gvk, ObjectKey
from leadsman.render.documents import Documents, Manifest
from leadsman.render.objects import assemble

if TYPE_CHECKING:
    from leadsman.model.desired import Rendered

SCOPES = {("", "ConfigMap"): True, ("", "Namespace"): False}


def made(*bodies: Any, namespace: str = "shop") -> Rendered:
    manifests = tuple(Manifest(body, f"{number}.yaml", 1) for number, body in enumerate(bodies, 1))
    return assemble(
        Documents(manifests, ("said before",)),
        renderer="Plain",
        namespace=namespace,
        scope=lambda group, kind: SCOPES.get((group, kind)),
    )


def config(name: str = "a", **metadata: Any) -> dict[str, Any]:
    return {"kind": "ConfigMap", "apiVersion": "v1", "metadata": {"name": name, **metadata}}


def keys(rendered: Rendered) -> list[str]:
    return [str(item.key) for item in rendered.objects]


def test_an_object_is_canonical() -> None:
    body = {"kind": "ConfigMap", "data": {"b": "1", "a": "ü"}, "apiVersion": "v1"}
    item = made({**body, "metadata": {"name": "a"}}).objects[0]
    canonical = (
        '{"apiVersion":"v1","data":{"a":"ü","b":"1"},"kind":"ConfigMap",'
        '"metadata":{"name":"a","namespace":"shop"}}'
    )
    assert item.body.decode() == canonical
    assert item.digest == hashlib.sha256(canonical.encode()).digest()[:16]
    assert item.key == ObjectKey("", "ConfigMap", "shop", "a")
    assert item.gvk == Gvk("", "v1", "ConfigMap")
    assert item.file == "1.yaml"


def test_namespaces_are_set_where_they_belong() -> None:
    rendered = made(
        config(),
        config(namespace="own"),
        {**config("n", namespace="wrong"), "kind": "Namespace"},
        {**config("x"), "kind": "Unknown"},
        {**config("y", namespace="own"), "kind": "Unknown"},
        config("empty", namespace=""),
    )
    assert keys(rendered) == [
        "ConfigMap shop/a",
        "ConfigMap own/a",
        "Namespace n",
        "Unknown x",
        "Unknown own/y",
        "ConfigMap shop/empty",
    ]
    bodies = [orjson.loads(item.body)["metadata"] for item in rendered.objects]
    assert [body.get("namespace") for body in bodies] == ["shop", "own", None, None, "own", "shop"]
    assert rendered.warnings == ("said before",)


def test_a_crd_among_them_tells_its_kinds_scope() -> None:
    def crd(kind: str, scope: str) -> dict[str, Any]:
        return {
            "apiVersion": "apiextensions.k8s.io/v1",
            "kind": "CustomResourceDefinition",
            "metadata": {"name": f"{kind.lower()}s.example.com"},
            "spec": {"group": "example.com", "names": {"kind": kind}, "scope": scope},
        }

    thing = {"apiVersion": "example.com/v1", "kind": "Thing", "metadata": {"name": "t"}}
    wide = {
        "apiVersion": "example.com/v1",
        "kind": "Wide",
        "metadata": {"name": "w", "namespace": "x"},
    }
    rendered = made(thing, wide, crd("Thing", "Namespaced"), crd("Wide", "Cluster"))
    assert keys(rendered)[:2] == ["Thing.example.com shop/t", "Wide.example.com w"]


def test_lists_are_opened() -> None:
    inner = {"apiVersion": "v1", "kind": "List", "items": [config("b")]}
    rendered = made(
        {"apiVersion": "v1", "kind": "List", "metadata": {}, "items": [config("a"), inner]},
        {"apiVersion": "v1", "kind": "ConfigMapList", "items": [{"metadata": {"name": "c"}}]},
        {"apiVersion": "v1", "kind": "List", "items": []},
        {**config("d"), "kind": "AllowList"},
    )
    assert keys(rendered) == [
        "ConfigMap shop/a",
        "ConfigMap shop/b",
        "ConfigMap shop/c",
        "AllowList d",
    ]
    assert [item.file for item in rendered.objects] == ["1.yaml", "1.yaml", "2.yaml", "4.yaml"]


def test_an_object_in_two_versions_or_groups_is_a_duplicate() -> None:
    old = {"kind": "Ingress", "apiVersion": "extensions/v1beta1", "metadata": {"name": "web"}}
    rendered = made(old, {**old, "apiVersion": "networking.k8s.io/v1"})
    assert keys(rendered) == ["Ingress.networking.k8s.io web"]
    assert rendered.objects[0].gvk == Gvk("networking.k8s.io", "v1", "Ingress")
    assert rendered.warnings[1] == (
        "Ingress.networking.k8s.io web is rendered twice, by 1.yaml and by 2.yaml: "
        "the last one counts"
    )


def test_of_duplicates_the_last_counts_and_both_are_told() -> None:
    rendered = made(config(), config("b"), {**config(namespace="shop"), "data": {"x": "y"}})
    assert keys(rendered) == ["ConfigMap shop/b", "ConfigMap shop/a"]
    assert b'"x":"y"' in rendered.objects[1].body
    assert rendered.warnings[1] == (
        "ConfigMap shop/a is rendered twice, by 1.yaml and by 3.yaml: the last one counts"
    )


def test_versions_of_one_object_are_one_object() -> None:
    rendered = made(
        {**config(), "apiVersion": "apps/v1beta1"}, {**config(), "apiVersion": "apps/v1"}
    )
    assert [str(item.gvk) for item in rendered.objects] == ["apps/v1 ConfigMap"]


def test_a_name_that_the_server_makes_up_is_left_out_and_told() -> None:
    generated = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"generateName": "x-"}}
    rendered = made(config(), generated)
    assert keys(rendered) == ["ConfigMap shop/a"]
    assert rendered.warnings[1].startswith("2.yaml:1: a ConfigMap has generateName")


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ([], "1.yaml:1: is no mapping"),
        ("text", "1.yaml:1: is no mapping"),
        ({"kind": "A"}, "1.yaml:1: has no apiVersion"),
        ({"apiVersion": "v1"}, "1.yaml:1: has no kind"),
        ({"apiVersion": "v1", "kind": 1}, "1.yaml:1: has no kind"),
        ({"apiVersion": "v1", "kind": "A"}, "1.yaml:1: has no metadata"),
        (config(""), "1.yaml:1: ConfigMap of v1 has no metadata.name"),
        ({**config(), "metadata": {"name": 12}}, "metadata.name is 12 and no string"),
        (config(namespace=True), "metadata.namespace is True and no string"),
        ({"apiVersion": "v1", "kind": "List", "items": [1]}, "1.yaml:1: is no mapping"),
    ],
)
def test_what_is_no_object_is_refused(body: Any, said: str) -> None:
    with pytest.raises(RenderError) as caught:
        made(body)
    assert caught.value.reason == "InvalidObject"
    assert not caught.value.retryable
    assert said in caught.value.message


def test_what_is_shared_between_objects_stays_apart() -> None:
    metadata = {"name": "a"}
    body = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata}
    made(body, {"apiVersion": "v1", "kind": "Namespace", "metadata": metadata})
    assert metadata == {"name": "a"}


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (config("../x"), "1.yaml:1: ConfigMap of v1: metadata.name '../x' can be no name"),
        (config(".."), "metadata.name '..'"),
        (config("."), "metadata.name '.'"),
        (config("a/b"), "metadata.name 'a/b'"),
        (config("a%2fb"), "metadata.name 'a%2fb'"),
        (config("a" * 254), "is longer than 253 characters"),
        (config(namespace="../../y"), "'a' has metadata.namespace '../../y', which can be none"),
        (config(namespace="a.b"), "'a.b'"),
        (config(namespace="A"), "'A'"),
        (config(namespace="-a"), "'-a'"),
        (config(namespace="a\n"), "'a\\n'"),
        (config(namespace="a" * 64), "which can be none"),
        ({**config("a.b"), "kind": "Namespace"}, "metadata.name 'a.b' can be no namespace"),
        ({**config(namespace=".."), "kind": "Unknown"}, "Unknown of v1: 'a' has"),
    ],
)
def test_names_that_can_be_none_are_refused(body: dict[str, Any], said: str) -> None:
    with pytest.raises(RenderError, match=re.escape(said)) as caught:
        made(body)
    assert (caught.value.reason, caught.value.retryable) == ("InvalidObject", False)
    assert caught.value.message.startswith("1.yaml:1: ")


def test_names_that_are_allowed_somewhere_are_taken() -> None:
    role = {"kind": "ClusterRole", "apiVersion": "rbac.authorization.k8s.io/v1"}
    rendered = made(
        config("a" * 253, namespace="a" * 63),
        config("0", namespace="0-0"),
        {**role, "metadata": {"name": "system:" + "a" * 300}},
        {"kind": "Namespace", "apiVersion": "x.io/v1", "metadata": {"name": "kube:Admin?x#y"}},
    )
    assert len(rendered.objects) == 4
