"""What a render has read, and which commits leave it alone."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from leadsman.model.trace import trace

TREES = {
    "": "root",
    "shop": "tree-1",
    "shop/web.yaml": "blob-1",
    "shop/db": "tree-2",
    "shop/db/db.yaml": "blob-2",
    "till.yaml": "blob-3",
}


def changed(**ids: str) -> dict[str, str]:
    return TREES | {path.replace("__", "/"): oid for path, oid in ids.items()}


def test_what_was_not_read_may_change() -> None:
    read = trace(TREES, {"shop", "shop/web.yaml"})
    assert read is not None
    assert read.holds(changed(till="other", **{"": "another root"}))


def test_what_was_read_must_not() -> None:
    read = trace(TREES, {"shop", "shop/web.yaml"})
    assert read is not None
    assert not read.holds(changed(shop="other", shop__db="other"))


def test_what_was_looked_for_in_vain_must_not_appear() -> None:
    read = trace(TREES, {"shop/db", "shop/Chart.yaml"})
    assert read is not None
    assert read.holds(changed(shop="other"))
    assert not read.holds(TREES | {"shop/Chart.yaml": "blob-4"})


def test_a_folder_stands_for_all_in_it() -> None:
    read = trace(TREES, {"shop", "shop/web.yaml", "shop/db/db.yaml", "shop/absent"})
    assert read is not None
    assert read.paths == ("shop",)


def test_who_reads_the_root_reads_everything() -> None:
    read = trace(TREES, {"", "shop"})
    assert read is not None
    assert read.paths == ("",)
    assert not read.holds(TREES | {"": "another root"})


def test_without_ids_nothing_is_known() -> None:
    assert trace({}, {"shop"}) is None
    read = trace(TREES, {"absent"})
    assert read is not None
    assert not read.holds({})


_ids = st.sampled_from(["", "a", "b"])
_names = st.sampled_from(["x", "x/y", "x/z", "w", "\udcff"])


@given(
    st.dictionaries(_names, _ids, min_size=1),
    st.dictionaries(_names, _ids, min_size=1),
    st.sets(_names),
)
def test_it_holds_where_all_that_was_read_is_the_same(
    before: dict[str, str], after: dict[str, str], paths: set[str]
) -> None:
    # As in Git: a folder changes with what is in it.
    for trees in (before, after):
        trees["x"] = repr([trees.get(path, "") for path in ("x", "x/y", "x/z")])
    read = trace(before, paths)
    assert read is not None
    same = all(before.get(path, "") == after.get(path, "") for path in paths)
    assert read.holds(after) is same
