from __future__ import annotations

import pytest

from leadsman.errors import SourceError
from leadsman.model.source import GitRef
from leadsman.source.refs import Listing, candidates, needs_complete_listing, pinned, revision

A, B, C, TAG = "a" * 40, "b" * 40, "c" * 40, "d" * 40


def listing(**refs: str) -> Listing:
    """Make a listing; underscores in names stand for slashes, two for ``^{}``."""
    return Listing("".join(f"{sha}\t{name}\n" for name, sha in refs.items()).encode())


REFS = listing(
    **{
        "HEAD": A,
        "refs/heads/main": A,
        "refs/heads/release/1.x": B,
        "refs/heads/domain": C,
        "refs/pull/420/head": C,
        "refs/tags/v1.0.0": A,
        "refs/tags/v1.2.0": TAG,
        "refs/tags/v1.2.0^{}": B,
        "refs/tags/v2.0.0-rc.1": C,
        "refs/tags/latest": A,
    }
)


@pytest.mark.parametrize(
    ("ref", "sha", "expected"),
    [
        (GitRef(branch="main"), A, f"main@sha1:{A}"),
        (GitRef(branch="release/1.x"), B, f"release/1.x@sha1:{B}"),
        (GitRef(tag="v1.0.0"), A, f"v1.0.0@sha1:{A}"),
        (GitRef(tag="v1.2.0"), B, f"v1.2.0@sha1:{B}"),
        (GitRef(semver=">=1.0.0"), B, f"v1.2.0@sha1:{B}"),
        (GitRef(semver=">=1.0.0-0"), C, f"v2.0.0-rc.1@sha1:{C}"),
        (GitRef(semver="~1.0"), A, f"v1.0.0@sha1:{A}"),
        (GitRef(name="refs/heads/main"), A, f"refs/heads/main@sha1:{A}"),
        (GitRef(name="refs/tags/v1.2.0"), B, f"refs/tags/v1.2.0@sha1:{B}"),
        (GitRef(name="refs/tags/v1.2.0^{}"), B, f"refs/tags/v1.2.0^{{}}@sha1:{B}"),
        (GitRef(name="refs/pull/420/head"), C, f"refs/pull/420/head@sha1:{C}"),
        (GitRef(name="HEAD"), A, f"HEAD@sha1:{A}"),
        # The precedence: name, semver, tag, branch.
        (GitRef(branch="main", tag="v1.2.0"), B, f"v1.2.0@sha1:{B}"),
        (GitRef(branch="main", tag="v1.2.0", semver="1.0.x"), A, f"v1.0.0@sha1:{A}"),
        (
            GitRef("main", "v1.2.0", "1.0.x", "refs/pull/420/head"),
            C,
            f"refs/pull/420/head@sha1:{C}",
        ),
    ],
)
def test_a_reference_leads_to_a_commit_and_flux_revision(
    ref: GitRef, sha: str, expected: str
) -> None:
    (found,) = candidates(ref, REFS)
    assert (found.sha, found.revision) == (sha, expected)


def test_without_anything_it_is_the_branch_master() -> None:
    (found,) = candidates(GitRef(), listing(**{"refs/heads/master": A}))
    assert found.revision == f"master@sha1:{A}"


@pytest.mark.parametrize(
    ("ref", "expected"),
    [
        (GitRef(commit=A), f"sha1:{A}"),
        (GitRef(commit=A.upper()), f"sha1:{A}"),
        (GitRef(commit=A, branch="main"), f"main@sha1:{A}"),
        (GitRef(commit=A, name="refs/heads/main"), f"refs/heads/main@sha1:{A}"),
        (GitRef(commit="a" * 64), f"sha256:{'a' * 64}"),
    ],
)
def test_a_commit_stands_above_all(ref: GitRef, expected: str) -> None:
    assert pinned(ref).revision == expected


@pytest.mark.parametrize("commit", ["abc123", "main", "g" * 40, "a" * 41, "-" + "a" * 39])
def test_a_commit_is_a_full_id(commit: str) -> None:
    with pytest.raises(SourceError, match="not a full commit id") as raised:
        pinned(GitRef(commit=commit))
    assert raised.value.reason == "RefNotFound"


@pytest.mark.parametrize(
    ("ref", "message"),
    [
        (GitRef(branch="mian"), r"no branch 'mian'; similar: 'main'"),
        (GitRef(), r"no branch 'master', which is the default, but 'main'"),
        (GitRef(branch="x"), r"no branch 'x'; there are: 'domain', 'main', 'release/1.x'"),
        (GitRef(branch="refs/heads/main"), r"no branch 'refs/heads/main'"),
        (GitRef(tag="v1.2"), r"no tag 'v1.2'; similar: 'v1.2.0', 'v1.0.0'"),
        (GitRef(name="refs/pull/42/head"), r"no reference .*similar: 'refs/pull/420/head'"),
        (GitRef(name="main"), r"no reference 'main'"),
        (GitRef(semver=">=3.0.0"), r"no tag is a version in '>=3.0.0'; .* 'v2.0.0-rc.1'"),
        (GitRef(semver="newest"), r"semver 'newest' is not a version range"),
    ],
)
def test_what_is_not_there_is_named_with_what_is(ref: GitRef, message: str) -> None:
    with pytest.raises(SourceError, match=message) as raised:
        candidates(ref, REFS)
    assert raised.value.reason == "RefNotFound"
    assert not raised.value.retryable


@pytest.mark.parametrize(
    ("ref", "message"),
    [
        (GitRef(branch="main"), "the repository has no branch at all"),
        (GitRef(tag="v1"), "the repository has no tag at all"),
        (GitRef(semver="*"), "no tag is a version such as v1.2.3"),
    ],
)
def test_an_empty_repository_is_called_so(ref: GitRef, message: str) -> None:
    with pytest.raises(SourceError, match=message):
        candidates(ref, Listing(b""))


def test_many_names_are_not_all_listed() -> None:
    many = listing(**{f"refs/heads/topic-{n}": A for n in range(30)})
    with pytest.raises(SourceError, match="'topic-12' and 25 more"):
        candidates(GitRef(branch="zzz"), many)


def test_versions_that_differ_only_in_build_metadata_are_all_candidates() -> None:
    refs = listing(**{"refs/tags/1.0.0+a": A, "refs/tags/v1.0.0": B, "refs/tags/0.9.0": C})
    assert [found.sha for found in candidates(GitRef(semver="*"), refs)] == [A, B]


def test_only_names_outside_branches_and_tags_need_all_references() -> None:
    assert needs_complete_listing(GitRef(name="refs/pull/1/head"))
    assert needs_complete_listing(GitRef(name="HEAD"))
    assert not needs_complete_listing(GitRef(name="refs/heads/main"))
    assert not needs_complete_listing(GitRef(name="refs/tags/v1"))
    assert not needs_complete_listing(GitRef(name="HEAD", commit=A))
    assert not needs_complete_listing(GitRef(branch="main"))


def test_a_revision_names_the_algorithm() -> None:
    assert revision(A, "main") == f"main@sha1:{A}"
    assert revision("f" * 64) == f"sha256:{'f' * 64}"
