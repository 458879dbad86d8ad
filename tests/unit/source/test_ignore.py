"""The matcher is held against the real git, pattern by pattern, and against Flux's rules."""

from __future__ import annotations

import re
import subprocess
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from controlplane.gitrepo import git_environment
from leadsman.source.ignore import MOST_PATTERNS, matcher, parse_patterns

if TYPE_CHECKING:
    from pathlib import Path

PATHS = (
    "a",
    "b.yaml",
    "a/b.yaml",
    "a/b/c.yaml",
    "a/b/a/b.yaml",
    "deploy/base/a.yaml",
    "deploy/base/a.md",
    "docs/a.md",
    "x/docs/y/z.txt",
    ".github/workflows/ci.yaml",
    "image.png",
    "x/image.PNG",
    "x/archive.tar.gz",
    "a b/c d.txt",
    "!odd",
    "#odd",
    "x/[b].txt",
    "ab/abab/aab",
    "trailing ",
    "back\\slash",
)


def git_ignores(tmp: Path, pattern: str, paths: tuple[str, ...]) -> set[str]:
    """Ask git which paths one pattern in a .gitignore at the root ignores."""
    tmp.mkdir(parents=True, exist_ok=True)
    if not (tmp / ".git").exists():
        subprocess.run(["git", "init", "-q", tmp], env=git_environment(), check=True)
    (tmp / ".gitignore").write_text(pattern + "\n")
    done = subprocess.run(
        ["git", "check-ignore", "--no-index", "--stdin", "-z"],
        cwd=tmp,
        env=git_environment(),
        input="\0".join(paths).encode(),
        capture_output=True,
        check=False,
    )
    assert not done.stderr
    return set(done.stdout.decode().split("\0")) - {""}


def ours(patterns: str, paths: tuple[str, ...] = PATHS) -> set[str]:
    found = matcher({}, patterns)
    return {path for path in paths if found.excludes(path)}


@pytest.mark.parametrize(
    "pattern",
    [
        "a",
        "a/",
        "/a",
        "/a/",
        "*.yaml",
        "/*.yaml",
        "a/*",
        "a/**",
        "a/*/c.yaml",
        "a/**/b.yaml",
        "**/a/b.yaml",
        "**/b.yaml",
        "**",
        "**/",
        "/**",
        "*",
        "*/",
        "/*",
        "a**",
        "docs",
        "docs/",
        "x/docs",
        "**/docs/**",
        "**/docs/**/*.txt",
        "?",
        "??*",
        "[a-c]",
        "[!a]*",
        "[^a]*",
        "*.[pP][nN][gG]",
        "[[:alpha:]]",
        "[]a]",
        "[a",
        r"x/\[b\].txt",
        r"\!odd",
        r"\#odd",
        "!odd",
        "#odd",
        "",
        "   ",
        "/",
        "trailing ",
        r"trailing\ ",
        r"back\\slash",
        "back\\",
        "a b",
        "*a*b*",
        "ab/**/aab",
        "a/**/**/b.yaml",
        "**/**/a",
        "*.tar.gz",
        "deploy/base/*.md",
    ],
)
def test_a_pattern_ignores_what_git_ignores(tmp_path: Path, pattern: str) -> None:
    assert ours("nothing-has-this-name\n" + pattern) == git_ignores(tmp_path, pattern, PATHS)


NAMES = st.text(alphabet="ab.", min_size=1, max_size=4).filter(lambda n: n not in {".", ".."})
SEGMENT = st.one_of(
    NAMES,
    st.just("**"),
    # Never "a**": behind a literal beginning git takes it for a whole "**", against its own manual.
    st.lists(
        st.sampled_from(["a", "b", ".", "*", "?", "[ab]", "[!a]", "[^.]"]), min_size=1, max_size=5
    )
    .map("".join)
    .filter(lambda segment: "**" not in segment),
)
PATTERN = st.tuples(
    st.sampled_from(["", "/"]),
    st.lists(SEGMENT, min_size=1, max_size=4),
    st.sampled_from(["", "/"]),
).map(lambda parts: parts[0] + "/".join(parts[1]) + parts[2])
SIGNED = st.lists(st.tuples(st.booleans(), PATTERN), min_size=1, max_size=6)
PATH_LIST = st.lists(
    st.lists(NAMES, min_size=1, max_size=4).map("/".join), min_size=1, max_size=12, unique=True
)


@settings(max_examples=100)
@given(pattern=PATTERN, paths=PATH_LIST)
def test_any_pattern_ignores_what_git_ignores(
    tmp_path_factory: pytest.TempPathFactory, pattern: str, paths: list[str]
) -> None:
    folder = tmp_path_factory.getbasetemp() / "ignore-property"
    assert ours("nothing-has-this-name\n" + pattern, tuple(paths)) == git_ignores(
        folder, pattern, tuple(paths)
    )


@settings(max_examples=100)
@given(
    patterns=st.lists(st.tuples(st.booleans(), PATTERN), min_size=1, max_size=6), paths=PATH_LIST
)
def test_the_last_pattern_that_fits_decides(
    patterns: list[tuple[bool, str]], paths: list[str]
) -> None:
    text = "\n".join(("!" if back else "") + pattern for back, pattern in patterns)
    for path in paths:
        decisions = [
            not back
            for back, pattern in patterns
            if path in ours("nothing-has-this-name\n" + pattern, (path,))
        ]
        assert matcher({}, text).excludes(path) == (decisions[-1] if decisions else False)


def test_by_default_what_no_deployment_needs_is_left_out() -> None:
    default = matcher({}, None)
    left_out = {
        ".gitignore", "x/.gitmodules", ".gitattributes", ".github/workflows/ci.yaml",
        "x/.circleci/config.yml", ".travis.yml", ".gitlab-ci.yml", "a.jpg", "x/a.tar.gz", "a.zip",
        ".sops.yaml", "x/.sops.yaml", "x/.flux.yaml", ".goreleaser.yml", "cloudbuild.yaml",
    }  # fmt: skip
    assert {path for path in left_out if default.excludes(path)} == left_out
    assert not any(
        default.excludes(path) for path in ("a.yaml", "README.md", ".sourceignore", "x.gz", "jpg")
    )


@pytest.mark.parametrize("spec", ["*.md", "!*.md"])
def test_any_pattern_replaces_the_defaults_but_those_for_git_itself(spec: str) -> None:
    for found in (matcher({}, spec), matcher({"x": spec}, None)):
        assert not found.excludes("a.png")
        assert found.excludes(".gitignore")


@pytest.mark.parametrize("spec", [None, "", "# nothing\n\n"])
def test_text_without_patterns_leaves_the_defaults(spec: str | None) -> None:
    assert matcher({"": "# nothing"}, spec).excludes("a.png")


def test_a_file_below_the_root_is_about_its_own_folder() -> None:
    found = matcher({"a/b": "/x.yaml\nc/\n"}, None)
    assert found.excludes("a/b/x.yaml")
    assert found.excludes("a/b/d/c/y.yaml")
    assert not found.excludes("a/x.yaml")
    assert not found.excludes("c/y.yaml")


def test_the_deeper_file_and_then_the_spec_have_the_last_word() -> None:
    files = {"a": "!keep.txt\n*.yaml", "": "*.txt"}
    assert not matcher(files, None).excludes("a/keep.txt")
    assert matcher(files, None).excludes("b/keep.txt")
    assert not matcher(files, "!*.yaml").excludes("a/x.yaml")


def test_a_file_is_brought_back_from_an_excluded_folder_as_in_flux() -> None:
    found = matcher({}, "/*\n!/deploy\n/deploy/**/*.md\n")
    assert found.excludes("docs/a.yaml")
    assert not found.excludes("deploy/base/a.yaml")
    assert found.excludes("deploy/base/a.md")
    assert not matcher({}, "docs/\n!docs/a.yaml").excludes("docs/a.yaml")


@pytest.mark.parametrize("pattern", ["*a" * 30 + "b", "/" + "**/a/" * 40 + "b", "**/" * 40 + "b"])
def test_no_pattern_takes_long(pattern: str) -> None:
    """What tries all ways runs into the time limit of a test."""
    found = matcher({}, pattern)
    assert not found.excludes("a" * 255)
    assert not found.excludes("a/" * 1000 + "a")
    assert not found.excludes("/".join(["a" * 200] * 20))


@pytest.mark.parametrize(
    ("in_files", "in_spec", "said"),
    [
        (0, 1001, "spec.ignore has 1001 patterns, more than the 1000 that are allowed"),
        (1001, 0, ".sourceignore files have 1001 patterns, more than the 1000 that are allowed"),
        (
            2,
            999,
            "spec.ignore has 999 patterns and .sourceignore files have 2, together more than",
        ),
    ],
)
def test_more_patterns_than_anybody_needs_are_refused(
    in_files: int, in_spec: int, said: str
) -> None:
    assert MOST_PATTERNS == 1000
    with pytest.raises(ValueError, match=re.escape(said)):
        matcher({"": "a\n" * in_files}, "a\n" * in_spec)
    matcher({"": "a\n" * max(0, in_files - 1)}, "a\n" * (in_spec - (not in_files)))


def test_line_ends_of_windows_and_a_byte_order_mark_count_for_nothing() -> None:
    assert [p.expression for p in parse_patterns("\ufeffa\r\nb\r\n")] == [
        p.expression for p in parse_patterns("a\nb")
    ]
