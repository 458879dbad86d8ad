"""What a reconcile makes of what goes wrong, with a real repository."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace
from typing import TYPE_CHECKING, cast

import pytest

from leadsman.engine.index import Index
from leadsman.engine.judging.following import Following
from leadsman.engine.lookup import Lookup
from leadsman.engine.reconcile import Reconciler
from leadsman.engine.sources import Sources
from leadsman.errors import RenderError, SpecError
from leadsman.model.source import GitRef, GitSource
from leadsman.model.target import Target
from leadsman.source.mirrors import GitMirrors
from unit.engine.samples import desired, rendered, target_state

if TYPE_CHECKING:
    from pathlib import Path

    from controlplane.gitrepo import Repository
    from controlplane.gitserver import GitServer
    from leadsman.engine.judging.acquire import Acquirer
    from leadsman.engine.judging.observer import Observer
    from leadsman.engine.state import TargetState
    from leadsman.kube.discovery import Discovery
    from leadsman.model.desired import Rendered
    from leadsman.render.renderer import Renderer


class Judged:
    """Has everything that is pending in sync, and tells what that was."""

    def __init__(self) -> None:
        self.rounds: list[list[str]] = []

    async def acquire(self, state: TargetState) -> None:
        self.rounds.append(sorted(item.name for item in state.pending))
        for item in tuple(state.pending):
            state.versions[item] = "5"
            state.record(item, None, 1.0)


@pytest.fixture
def repository(git_server: GitServer) -> Repository:
    return git_server.create("shop", {"app.yaml": "kind: ConfigMap"})


@pytest.fixture
def reconciler(tmp_path: Path) -> Reconciler:
    return Reconciler(
        sources=Sources(GitMirrors(tmp_path), Lookup(None), lambda _stage, _seconds: None),
        lookup=Lookup(None),
        index=Index(),
        # What follows the source is not reached.
        renderer=cast("Renderer", None),
        discovery=cast("Discovery", None),
        acquirer=cast("Acquirer", None),
        following=Following(
            cast("Discovery", SimpleNamespace(resource=None)),
            Index(),
            cast("Observer", SimpleNamespace(confirmer=None)),
        ),
        now=lambda: 1000.0,
        staged=lambda _stage, _seconds: None,
    )


def source(server: GitServer, branch: str) -> GitSource:
    return GitSource(server.url("shop"), GitRef(branch=branch))


@pytest.mark.usefixtures("repository")
async def test_a_defect_is_told_of_the_one_target(
    reconciler: Reconciler, git_server: GitServer
) -> None:
    """And raises nothing, which would end the work on all others."""
    state = target_state()
    state.target = Target(state.key, source(git_server, "main"))
    outcome = await reconciler.reconcile(state)  # there is nothing that could render
    assert outcome.retry
    assert state.failure is not None
    assert (state.failure.stage, state.failure.reason) == ("engine", "InternalError")
    assert "AttributeError" in state.failure.message
    assert state.observed == state.generation


async def test_a_full_disk_is_told_of_the_target(
    reconciler: Reconciler, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def look(_state: TargetState, _target: Target) -> bool:
        raise OSError(28, "No space left on device", "/var/cache/leadsman/access-1")

    monkeypatch.setattr(reconciler, "_look", look)
    state = target_state()
    state.generation = 2
    outcome = await reconciler.reconcile(state)
    assert outcome.retry
    assert state.failure is not None
    assert (state.failure.reason, state.observed) == ("StorageFailed", 2)
    assert "No space left on device (/var/cache/leadsman/access-1)" in state.failure.message


@pytest.mark.usefixtures("repository")
async def test_a_render_that_failed_is_told_again_after_another_failure(
    reconciler: Reconciler, git_server: GitServer
) -> None:
    class Broken:
        renders = 0

        async def render(self, *_: object) -> None:
            self.renders += 1
            raise RenderError("InvalidYAML", "app.yaml:1", retryable=False)

    broken = Broken()
    reconciler._renderer = cast("Renderer", broken)
    reconciler._discovery = cast(
        "Discovery", SimpleNamespace(kube_version="1.37", api_versions=(), scope=None)
    )
    state = target_state()
    state.target = Target(state.key, replace(source(git_server, "main"), interval=0.0))
    reasons = []
    for error in (None, SpecError("wrong"), None):
        state.spec_error = error
        await reconciler.reconcile(state)
        assert state.failure is not None
        reasons.append(state.failure.reason)
    assert reasons == ["InvalidYAML", "InvalidSpec", "InvalidYAML"]
    assert broken.renders == 1


async def test_what_is_asked_for_during_a_look_is_done_by_the_next(
    reconciler: Reconciler, repository: Repository, git_server: GitServer
) -> None:
    state = target_state()
    state.target = Target(state.key, replace(source(git_server, "main"), interval=0.0))
    renders = 0

    class Rendering:
        async def render(self, *_: object) -> Rendered:
            nonlocal renders
            renders += 1
            if renders == 2:
                # As when a CustomResourceDefinition changes while the program runs.
                state.rejudge.ask()
            return rendered(desired("changed", str(renders)), desired("same"))

    judged = Judged()
    reconciler._renderer = cast("Renderer", Rendering())
    reconciler._discovery = cast(
        "Discovery", SimpleNamespace(kube_version="1.37", api_versions=(), scope=None)
    )
    reconciler._acquirer = cast("Acquirer", judged)
    await reconciler.reconcile(state)
    repository.commit({"app.yaml": "kind: Other"})
    await reconciler.reconcile(state)
    assert state.rejudge
    for _ in range(2):
        await reconciler.reconcile(state)
    assert judged.rounds == [["changed", "same"], ["changed"], ["changed", "same"]]
    assert not state.rejudge
