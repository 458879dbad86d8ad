"""A fleet is the same in Git, in the cluster and for each tool."""

from __future__ import annotations

import pytest
import yaml

from bench.delivery import owned
from bench.fleet import KINDS, Fleet, application, path_of


@pytest.mark.parametrize(("objects", "targets"), [(100, 1), (1_000, 10), (100_000, 1_000)])
def test_a_size_is_so_many_objects(objects: int, targets: int) -> None:
    fleet = Fleet.of(objects)
    assert (fleet.targets, fleet.objects) == (targets, objects)


def test_git_has_one_file_for_each_application() -> None:
    fleet = Fleet(targets=2, per_target=10)
    files = fleet.files()
    assert len(files) == 4
    bodies = [
        body
        for path, text in files.items()
        if "00001/" in path
        for body in yaml.safe_load_all(text)
    ]
    assert bodies == list(fleet.manifests())
    assert len(bodies) == fleet.per_target


def test_the_stream_for_other_tools_names_each_namespace() -> None:
    fleet = Fleet(targets=3, per_target=10)
    bodies = list(yaml.safe_load_all(fleet.stream([0, 2])))
    assert len(bodies) == 20
    for target, part in ((0, bodies[:10]), (2, bodies[10:])):
        assert {body["metadata"].pop("namespace") for body in part} == {fleet.namespace(target)}
        assert part == list(fleet.manifests())


def test_a_commit_changes_one_value() -> None:
    before, after = (
        list(yaml.safe_load_all(text)) for text in (application(3), application(3, level="debug"))
    )
    changed = [(one, two) for one, two in zip(before, after, strict=True) if one != two]
    assert [one["kind"] for one, _ in changed] == ["ConfigMap"]
    assert changed[0][1]["data"]["level"] == "debug"


def test_what_is_delivered_has_flux_labels_and_git_has_not() -> None:
    fleet = Fleet(targets=1, per_target=5)
    for body in fleet.manifests():
        mine = owned(body, "bench-00000")
        added = mine["metadata"]["labels"].items() - body["metadata"]["labels"].items()
        assert dict(added) == {
            "kustomize.toolkit.fluxcd.io/name": "bench-00000",
            "kustomize.toolkit.fluxcd.io/namespace": "flux-system",
        }
        assert mine["metadata"]["namespace"] == "bench-00000"
        assert "namespace" not in body["metadata"]


def test_each_kind_has_a_place() -> None:
    paths = {path_of(kind, "shop", "web") for kind in KINDS}
    assert len(paths) == len(KINDS)
    assert all("/namespaces/shop/" in path and path.endswith("/web") for path in paths)
