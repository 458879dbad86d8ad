"""A folder on this machine as a source, for ``leadsman check ./path``."""

from __future__ import annotations

import configparser
from contextlib import suppress
from typing import TYPE_CHECKING

import git
from git.exc import GitError

from leadsman.errors import SourceError
from leadsman.model.source import Artifact, Commit, LocalSource
from leadsman.source.mirror import describe
from leadsman.source.refs import revision

if TYPE_CHECKING:
    from pathlib import Path

_UNVERSIONED = Commit(sha="", revision="local")


def locate(path: Path) -> tuple[LocalSource, str]:
    """Return the source that a folder belongs to, and where in it the folder is.

    In a Git work tree the source is the whole tree, so that ``../../base`` leads somewhere; else
    it is the folder itself, with the path ``""``.

    Raises:
        SourceError: ``PathNotFound``.
    """
    folder = path.resolve()
    if not folder.is_dir():
        raise SourceError("PathNotFound", f"{path} is not a folder", retryable=False)
    with suppress(GitError, configparser.Error, OSError, ValueError):
        with git.Repo(folder, search_parent_directories=True, expand_vars=False) as repo:
            top = repo.working_tree_dir
        if top is not None:
            root = type(folder)(top).resolve()
            relative = folder.relative_to(root).as_posix()
            return LocalSource(root), "" if relative == "." else relative
    return LocalSource(folder), ""


def local_artifact(source: LocalSource) -> Artifact:
    """Return a folder as it is now; nothing is copied, left out or cached.

    The commit is the one checked out; its revision ends in ``+dirty`` if the work tree differs
    from it, and is ``local`` where there is none.

    Raises:
        SourceError: ``PathNotFound``.
    """
    if not source.root.is_dir():
        raise SourceError("PathNotFound", f"{source.root} is not a folder", retryable=False)
    return Artifact(_head(source.root), source.root)


def _head(root: Path) -> Commit:
    """Read what is checked out; a repository that git does not trust or cannot read is none."""
    with (
        suppress(GitError, configparser.Error, OSError, ValueError),
        git.Repo(root, expand_vars=False) as repo,
    ):
        # The repository's own configuration can name programs to run.
        repo.git.update_environment(
            GIT_CONFIG_COUNT="2",
            GIT_CONFIG_KEY_0="core.fsmonitor",
            GIT_CONFIG_VALUE_0="false",
            GIT_CONFIG_KEY_1="core.hooksPath",
            GIT_CONFIG_VALUE_1="/dev/null",
            GIT_OPTIONAL_LOCKS="0",
        )
        commit = repo.head.commit
        branch = "" if repo.head.is_detached else repo.active_branch.name
        changed = "+dirty" if repo.is_dirty(untracked_files=True) else ""
        info = describe(commit)
        return Commit(
            commit.hexsha,
            revision(commit.hexsha, branch) + changed,
            info.author,
            info.subject,
            info.time,
        )
    return _UNVERSIONED
