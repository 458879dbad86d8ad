from __future__ import annotations

import pytest

from leadsman.errors import RenderError
from leadsman.render.remote import is_remote, looks_remote, refuse_remote


@pytest.mark.parametrize(
    "reference",
    [
        "https://example.com/a.yaml",
        "HTTP://example.com/a.yaml",
        "https://github.com/org/repo//path?ref=v1",
        "http://git@example.com/org/repo.git",
        "github.com/org/repo",
        "GitHub.com:org/repo",
        "git::https://example.com/org/repo",
        "git::git@example.com:org/repo.git",
        "git::github.com/org/repo",
        "git@example.com:org/repo.git/path",
        "ssh://git@example.com/org/repo",
        "file:///etc",
        "me@example.com/org/repo",
        "s3::https://example.com/bucket",
        "org/repo?ref=main",
    ],
)
def test_what_kustomize_would_fetch_is_remote(reference: str) -> None:
    assert is_remote(reference)
    with pytest.raises(RenderError) as caught:
        refuse_remote("apps/kustomization.yaml", "resources", reference)
    assert caught.value.reason == "RemoteBase"
    assert not caught.value.retryable
    assert caught.value.message.startswith("apps/kustomization.yaml: resources refers to ")


@pytest.mark.parametrize(
    "reference",
    ["../base", "./a.yaml", "a@b.yaml", "github.community/x", "a:b", "/etc/passwd", "x/y.git", "."],
)
def test_what_is_a_path_is_not(reference: str) -> None:
    assert not is_remote(reference)
    refuse_remote("apps/kustomization.yaml", "resources", reference)


def test_credentials_in_a_url_are_not_told() -> None:
    with pytest.raises(RenderError) as caught:
        refuse_remote("k", "resources", "https://me:secret@example.com/org/repo")
    assert "https://example.com/org/repo" in caught.value.message
    assert "secret" not in caught.value.message


@pytest.mark.parametrize(
    "reference",
    [
        "gh:org/repo",
        "example.com/org/repo.git//x",
        "example.com/repo.git",
        "git.example.com:8443/org/repo",
        "git.example.com/x/y?version=1",
        "www.github.com/a/b",
        "example.com:org/repo",
        "org/repo?timeout=1&version=2",
    ],
)
def test_what_a_person_means_as_remote_is_told(reference: str) -> None:
    assert looks_remote(reference)


@pytest.mark.parametrize(
    "reference",
    [
        "../base",
        "a.yaml",
        "my.app/base",
        "v1.2/a/b",
        "a:b",
        "base/x/y",
        "a.b.c",
        "x?y",
        "./a.b/c/d",
    ],
)
def test_what_a_person_means_as_a_path_is_not(reference: str) -> None:
    assert not looks_remote(reference)
