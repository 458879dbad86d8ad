"""What servers other than our own are known to say, and what is made of it."""

from __future__ import annotations

import pytest

from leadsman.source.failure import git_failure, refuses_object

GITHUB_OVER_SSH = """ERROR: Repository not found.
fatal: Could not read from remote repository.

Please make sure you have the correct access rights
and the repository exists.
"""
GITHUB_401 = """remote: Invalid username or token. Password authentication is not supported.
fatal: Authentication failed for 'https://github.com/a/b.git/'
"""
GITHUB_404 = """remote: Repository not found.
fatal: repository 'https://github.com/a/b.git/' not found
"""
GITLAB_404 = """remote: The project you were looking for could not be found or you may not see it.
fatal: repository 'https://gitlab.com/a/b.git/' not found
"""
GITLAB_401 = """remote: HTTP Basic: Access denied. The provided password or token is incorrect.
fatal: Authentication failed for 'https://gitlab.com/a/b.git/'
"""
OPENSSL = (
    "fatal: unable to access 'https://x/': SSL certificate problem: self-signed certificate in "
    "certificate chain\n"
)
WRONG_NAME = (
    "fatal: unable to access 'https://x/': SSL: no alternative certificate subject name matches "
    "target host name 'x'\n"
)
INTERRUPTED = """error: RPC failed; curl 18 transfer closed with outstanding read data remaining
error: 1234 bytes of body are still expected
fetch-pack: unexpected disconnect while reading sideband packet
fatal: early EOF
"""
NO_PAGE = "fatal: https://example.com/a/info/refs not valid: is this a git repository?\n"


@pytest.mark.parametrize(
    ("stderr", "reason", "words"),
    [
        (GITHUB_OVER_SSH, "RepositoryNotFound", "Repository not found."),
        (GITHUB_401, "AuthenticationFailed", "Authentication failed for"),
        (GITHUB_404, "RepositoryNotFound", "not found"),
        (GITLAB_404, "RepositoryNotFound", "not found"),
        (GITLAB_401, "AuthenticationFailed", "Authentication failed for"),
        (OPENSSL, "TLSFailed", "self-signed"),
        (WRONG_NAME, "TLSFailed", "target host name"),
        (INTERRUPTED, "Unreachable", "early EOF"),
        (NO_PAGE, "RepositoryNotFound", "is this a git repository"),
        ("fatal: bad object\n", "GitFailed", "bad object"),
        ("", "GitFailed", "no message"),
        ("warning: only this\n", "GitFailed", "warning: only this"),
    ],
)
def test_words_have_a_reason(stderr: str, reason: str, words: str) -> None:
    error = git_failure(stderr, where="https://x/a.git", authenticated=True, scrub=str)
    assert error.reason == reason
    assert words in error.message
    assert error.message.startswith("https://x/a.git: ")


def test_what_a_server_prints_cannot_spoil_a_message() -> None:
    stderr = "remote: \x1b[31mred\x07\nfatal: bad " + "x" * 5000
    error = git_failure(stderr, where="x", authenticated=False, scrub=str)
    assert error.message.isprintable()
    assert len(error.message) < 400


@pytest.mark.parametrize(
    "stderr",
    [
        "fatal: remote error: upload-pack: not our ref " + "1" * 40,
        "error: Server does not allow request for unadvertised object " + "1" * 40,
        "fatal: remote error: want " + "1" * 40 + " not valid",
        "fatal: dumb http transport does not support shallow capabilities",
        "fatal: couldn't find remote ref refs/heads/x",
    ],
)
def test_refusals_of_a_commit_are_known(stderr: str) -> None:
    assert refuses_object(stderr)
    assert not refuses_object("fatal: Authentication failed")


def test_the_same_failure_has_the_same_words() -> None:
    """Or each try would be news, and written."""
    said = "fatal: unable to access 'https://x/': Failed to connect to x port 443 after {} ms: no"
    told = {
        git_failure(said.format(ms), where="x", authenticated=False, scrub=str).message
        for ms in (3, 131054)
    }
    assert len(told) == 1
