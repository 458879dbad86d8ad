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
