"""A forge's webhook has Git looked at, though the next poll is an hour away."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest

from controlplane.gitrepo import Repository
from controlplane.gitserver import GitServer
from controlplane.plane import ControlPlane
from harness.checks import Check
from harness.forge import SECRET, tell
from harness.operator import Operator, install

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from controlplane.toolchain import Tools
    from harness.checks import Report

CONFIG = """\
apiVersion: v1
kind: ConfigMap
metadata:
  name: {name}
data:
  colour: {colour}
"""


@dataclass(frozen=True, slots=True)
class Forge:
    """A Git server that sends webhooks as GitHub does, when it is told to."""

    git: GitServer
    plane: ControlPlane
    operator: Operator
    namespace: str
    port: int

    def create(self, name: str, **spec: Any) -> Check:
        """Make a repository and a DriftCheck that looks at it each hour; wait for its verdict."""
        self.git.create(name, {"config.yaml": CONFIG.format(name=name, colour="green")})
        check = Check(self.operator, self.plane, self.namespace, name)
        check.create(**{"url": self.git.url(name), "interval": "1h"} | spec)
        check.wait_verdict("Drifted")
        return check

    def push(self, name: str) -> str:
        """Change what Git asks for; nobody is told of it. Return the revision."""
        files = {"config.yaml": CONFIG.format(name=name, colour="red")}
        sha = Repository(self.git.root / f"{name}.git").commit(files)
        return f"main@sha1:{sha}"

    def tell(self, name: str, secret: bytes = SECRET) -> tuple[int, int | None]:
        """Send a webhook about a push; return the status and how many targets were told."""
        return tell(f"127.0.0.1:{self.port}", self.git.url(name), secret)

    def count(self, outcome: str) -> float:
        return self.operator.value("leadsman_hooks_total", forge="github", outcome=outcome)


@pytest.fixture(scope="module")
def control_plane(tools: Tools) -> Iterator[ControlPlane]:
    """A cluster of their own, with Leadsman installed as for webhooks."""
    with ControlPlane(tools) as plane:
        install(plane, "hooks")
        yield plane


@pytest.fixture(scope="module")
def forge(control_plane: ControlPlane, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Forge]:
    folder: Path = tmp_path_factory.mktemp("operator")
    secrets = folder / "secrets"
    secrets.write_bytes(SECRET + b"\n")
    arguments = ("--hooks-bind", "127.0.0.1:0", "--hooks-secret-file", str(secrets))
    with (
        GitServer() as git,
        Operator.in_pod(control_plane, folder, *arguments) as operator,
        control_plane.namespace() as namespace,
    ):
        lines = map(json.loads, operator.lines())
        port = next(line["hooks_port"] for line in lines if "hooks_port" in line)
        yield Forge(git, control_plane, operator, namespace, port)


def test_a_push_is_reported_once_the_forge_tells_of_it(forge: Forge) -> None:
    check = forge.create("told")
    other = Check(forge.operator, forge.plane, forge.namespace, "told-too")
    other.create(url=forge.git.url("told").removesuffix(".git"), interval="1h")
    other.wait_verdict("Drifted")
    packs, told = forge.git.packs("told"), forge.count("told")

    revision = forge.push("told")
    assert forge.tell("told") == (202, 2)
    for each in (check, other):
        report = each.wait(_at(revision), revision)
        assert report.verdict == "Drifted"
    assert forge.git.packs("told") > packs
    assert forge.count("told") == told + 1


def test_who_does_not_know_the_secret_moves_nothing(forge: Forge) -> None:
    check, later = forge.create("forged"), forge.create("forged-later")
    before, asked = check.report(), forge.git.refs("forged")
    forge.push("forged")
    assert forge.tell("forged", b"guessed") == (401, None)
    _look(forge, later)
    assert forge.git.refs("forged") == asked
    assert check.report() == before
    assert forge.count("refused") == 1


def test_a_push_to_another_repository_asks_nothing(forge: Forge) -> None:
    check, later = forge.create("mine"), forge.create("mine-later")
    before, asked = check.report(), len(forge.git._of("mine"))
    forge.push("mine")
    assert forge.tell("nobodys") == (202, 0)
    _look(forge, later)
    assert len(forge.git._of("mine")) == asked
    assert not forge.git._of("nobodys")
    assert check.report() == before
    assert forge.count("unmatched") == 1


def test_a_suspended_target_stays_where_it_is(forge: Forge) -> None:
    check, later = forge.create("asleep"), forge.create("asleep-later")
    check.patch(suspend=True)
    check.wait(lambda report: report.conditions["Suspended"]["status"] == "True", "suspended")
    before, asked = check.report(), forge.git.refs("asleep")
    forge.push("asleep")
    assert forge.tell("asleep") == (202, 0)
    _look(forge, later)
    assert forge.git.refs("asleep") == asked
    assert check.report() == before


def _look(forge: Forge, check: Check) -> None:
    """Have another target's push reported: what was asked for before has begun by then."""
    revision = forge.push(check.name)
    assert forge.tell(check.name) == (202, 1)
    check.wait(_at(revision), revision)


def _at(revision: str) -> Callable[[Report], bool]:
    return lambda report: report.status.get("revision") == revision
