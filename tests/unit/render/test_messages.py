from __future__ import annotations

from typing import TYPE_CHECKING

from leadsman.render.messages import mask, scrub

if TYPE_CHECKING:
    from pathlib import Path


def test_folders_of_this_machine_are_named_as_in_the_repository(tmp_path: Path) -> None:
    root, tree = tmp_path / "checkout", tmp_path / "checkout-tree"
    names = {root: "", tree: "", tmp_path / "v" / "1.yaml": "valuesFrom (number 1)"}
    said = f"open {root}/a/b.yaml and {tree}/c in {root}: {tmp_path}/v/1.yaml is bad"
    assert scrub(said, names) == "open a/b.yaml and c in .: valuesFrom (number 1) is bad"


def test_a_link_to_a_folder_is_found_by_what_it_leads_to(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to("real")
    assert scrub(f"{tmp_path}/real/x {tmp_path}/link/y", {tmp_path / "link": "repo"}) == (
        "repo/x repo/y"
    )


def test_scratch_folders_are_not_told() -> None:
    assert scrub("no /tmp/leadsman-render-abc/home/x here", {}) == "no (scratch)/home/x here"


def test_what_is_long_is_cut() -> None:
    assert scrub("x" * 5000, {}) == "x" * 2000 + " [...]"


def test_secrets_are_hidden_line_by_line() -> None:
    said = "password is hunter2, key is\n-----BEGIN\nabcdef\n"
    assert mask(said, {"hunter2", "-----BEGIN\nabcdef\nghijkl", "password: hunter2"}) == (
        "password is ***, key is\n***\n***\n"
    )
