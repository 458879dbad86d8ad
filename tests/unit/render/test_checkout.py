from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leadsman.errors import RenderError
from leadsman.render.checkout import Checkout


@pytest.fixture
def checkout(tmp_path: Path) -> Checkout:
    root = tmp_path / "repo"
    for folder in ("apps/prod", "apps/staging", "base", ".hidden"):
        (root / folder).mkdir(parents=True)
    (root / "base/a.yaml").write_text("a: 1")
    (tmp_path / "beside").write_text("secret")
    return Checkout(root)


def test_a_path_is_located_and_noted(checkout: Checkout) -> None:
    assert checkout.locate("./base//a.yaml") == "base/a.yaml"
    assert checkout.locate("../../base/a.yaml", folder="apps/prod") == "base/a.yaml"
    assert checkout.locate("") == ""
    assert checkout.locate("apps", note=False) == "apps"
    assert checkout.inputs == {"base/a.yaml", ""}


@pytest.mark.parametrize(
    ("path", "folder"),
    [
        ("../beside", ""),
        ("../../../beside", "apps/prod"),
        ("../repo/base", ""),
        ("/etc/passwd", ""),
        ("x/../../beside", ""),
    ],
)
def test_a_path_out_of_the_repository_is_refused(
    checkout: Checkout, path: str, folder: str
) -> None:
    with pytest.raises(RenderError) as caught:
        checkout.locate(path, folder=folder, named_by="k: resources")
    assert caught.value.reason == "PathOutside"
    assert caught.value.message.startswith(f"k: resources: {path} leads out of the repository")


def test_a_link_out_of_the_repository_is_refused(checkout: Checkout) -> None:
    (checkout.root / "base/out").symlink_to("../../beside")
    (checkout.root / "base/etc").symlink_to("/etc")
    for path in ("base/out", "base/etc/passwd"):
        with pytest.raises(RenderError) as caught:
            checkout.locate(path)
        assert caught.value.reason == "PathOutside"
        assert caught.value.message.startswith(f"{path} is a symbolic link")


def test_a_link_within_the_repository_leads_to_what_it_names(checkout: Checkout) -> None:
    (checkout.root / "apps/link").symlink_to("../base")
    assert checkout.locate("apps/link/a.yaml") == "base/a.yaml"
    assert checkout.inputs == {""}


def test_links_that_lead_in_a_circle_lead_nowhere(checkout: Checkout) -> None:
    (checkout.root / "one").symlink_to("two")
    (checkout.root / "two").symlink_to("one")
    with pytest.raises(RenderError) as caught:
        checkout.locate("one/x")
    assert caught.value.reason == "PathNotFound"


@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("apps/prd", "apps/prd is not in the repository; is apps/prod meant?"),
        ("apps/xyz", "apps/xyz is not in the repository; apps has prod/, staging/"),
        (
            "zzz/deeper/still",
            "zzz/deeper/still is not in the repository; its root has apps/, base/",
        ),
        ("base/b.yml", "base/b.yml is not in the repository; is base/a.yaml meant?"),
        ("apps/prod/x", "apps/prod/x is not in the repository; apps/prod is empty"),
    ],
)
def test_a_missing_path_is_told_with_what_is_there(
    checkout: Checkout, path: str, said: str
) -> None:
    with pytest.raises(RenderError) as caught:
        checkout.locate(path)
    assert caught.value.reason == "PathNotFound"
    assert not caught.value.retryable
    assert caught.value.message == said


def test_what_is_not_there_is_noted_too(checkout: Checkout) -> None:
    assert not checkout.exists("base/kustomization.yaml")
    assert checkout.exists("base/a.yaml")
    assert not checkout.exists("base")
    assert checkout.inputs == {"base/kustomization.yaml", "base/a.yaml"}


def test_what_is_not_there_is_noted_by_where_folders_end(checkout: Checkout) -> None:
    """There something would have to appear, be it a folder or a link to one."""
    assert not checkout.exists("apps/more/extra/kustomization.yaml")
    assert not checkout.exists("base/a.yaml/kustomization.yaml")
    assert checkout.inputs == {"apps/more", "base/a.yaml", "apps"}


def test_a_folder_is_noted_where_nothing_else_tells_that_it_is_one(checkout: Checkout) -> None:
    assert not checkout.exists("apps/prod/kustomization.yaml")
    assert checkout.inputs == {"apps", "apps/prod", "apps/prod/kustomization.yaml"}
    (checkout.root / "apps/prod/a.yaml").write_text("a: 1")
    checkout.locate("apps/prod/a.yaml")
    assert checkout.inputs == {"apps/prod/kustomization.yaml", "apps/prod/a.yaml"}


@pytest.mark.parametrize(
    ("links", "path", "there"),
    [
        pytest.param({"apps/to": "../base"}, "apps/to/none", False, id="absent below a link"),
        pytest.param({"apps/to": "../base"}, "apps/to/a.yaml", True, id="there below a link"),
        pytest.param({"apps/to": "../base/a.yaml"}, "apps/to", True, id="to a file"),
        pytest.param({"apps/to": "../base"}, "apps/to", False, id="to a folder"),
        pytest.param({"apps/to": "../later"}, "apps/to", False, id="to nothing"),
        pytest.param({"apps/to": "../later"}, "apps/to/x/y", False, id="below one to nothing"),
        pytest.param({"one": "two", "two": "base"}, "one/none", False, id="a chain"),
        pytest.param({"one": "two", "two": "none"}, "one", False, id="a chain to nothing"),
        pytest.param({"one": "two", "two": "one"}, "one/x", False, id="a circle"),
        pytest.param({"apps/to": "../../beside"}, "apps/to", True, id="out, to a file"),
        pytest.param({"apps/to": "../../nowhere"}, "apps/to", True, id="out, to nothing"),
        pytest.param({"apps/to": "/etc"}, "apps/to/none", True, id="out, and absent below"),
        pytest.param({"base/to": "../../beside", "l": "base"}, "l/to", True, id="out, by a chain"),
    ],
)
def test_what_is_behind_a_link_is_noted_by_the_root(
    checkout: Checkout, links: dict[str, str], path: str, *, there: bool
) -> None:
    for name, to in links.items():
        (checkout.root / name).symlink_to(to)
    assert checkout.exists(path) is there
    assert "" in checkout.inputs


def test_links_are_found_in_what_they_lead_to(checkout: Checkout) -> None:
    assert list(checkout.links("apps")) == []
    assert checkout.inputs == set()
    (checkout.root / "apps/base").symlink_to("../base")
    (checkout.root / "base/up").symlink_to("../apps")
    (checkout.root / "base/out").symlink_to("/etc")
    assert sorted(checkout.links("apps")) == ["apps/base", "base/out", "base/up"]
    assert checkout.inputs == {""}


@given(st.lists(st.sampled_from(["..", ".", "a", "b", ""]), max_size=8).map("/".join))
def test_no_path_leads_out(path: str) -> None:
    root = Path(__file__).parent
    try:
        found = Checkout(root).locate(path)
    except RenderError as error:
        assert error.reason in {"PathOutside", "PathNotFound"}  # noqa: PT017 - one of two ends
    else:
        assert (root / found).resolve().is_relative_to(root.resolve())
