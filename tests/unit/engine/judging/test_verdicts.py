"""What is known after a restart, and what must not be taken for known."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, cast

import pytest

from leadsman.compare.policy import compile_policy
from leadsman.engine.inquiry import Inquiry
from leadsman.engine.judging.verdicts import VerdictCache
from leadsman.model.finding import State
from leadsman.model.source import LocalSource
from leadsman.model.target import Target
from unit.engine.samples import desired, finding, key, rendered, target_state

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path
    from typing import Any

    from leadsman.engine.state import TargetState
    from leadsman.model.identity import Gvk, ObjectKey


def described(_gvk: Gvk) -> str:
    return "schema 1"


def before(path: Path, **more: Any) -> TargetState:
    """A target with an object, ``web``, whose verdict is not known yet."""
    state = target_state()
    state.target = replace(Target(state.key, LocalSource(path)), **more)
    state.policy = compile_policy(state.target)
    state.install(rendered(desired("web")), rejudge=False)
    return state


def in_sync(path: Path) -> TargetState:
    state = before(path)
    state.versions[key("web")] = "7"
    state.record(key("web"), None, 1.0)
    return state


async def restarted(
    path: Path,
    old: TargetState,
    new: TargetState,
    schema: Callable[[Gvk], str] = described,
) -> TargetState:
    """Keep the one's verdicts and recall them for the other."""
    await VerdictCache(path / "verdicts", described).keep({old.key: old})
    cache = VerdictCache(path / "verdicts", schema)
    await cache.load()
    await cache.recall(new)
    return new


async def test_what_was_in_sync_is_not_compared_again(tmp_path: Path) -> None:
    new = await restarted(tmp_path, in_sync(tmp_path), before(tmp_path))
    assert not new.pending
    assert new.versions == {key("web"): "7"}
    assert new.assumed == {key("web")}


async def test_it_is_not_said_to_be_in_sync_before_it_was_seen(tmp_path: Path) -> None:
    new = await restarted(tmp_path, in_sync(tmp_path), before(tmp_path))
    assert not new.is_plainly_in_sync(key("web"))
    new.unassume()
    assert new.pending == {key("web")}
    assert not new.versions
    # That it lived is known all the same: dropped from Git, it would be orphaned.
    assert new.lived == {key("web")}


async def test_what_is_judged_meanwhile_stands(tmp_path: Path) -> None:
    new = await restarted(tmp_path, in_sync(tmp_path), before(tmp_path))
    new.record(key("web"), finding("web", State.MISSING), 2.0)
    new.unassume()
    assert not new.pending


def _pending(state: TargetState) -> None:
    state.pending.add(key("web"))


def _drifted(state: TargetState) -> None:
    state.record(key("web"), finding("web"), 2.0)


def _by_evidence(state: TargetState) -> None:
    state.inquiries[key("web")] = Inquiry.__new__(Inquiry)


def _by_an_answer(state: TargetState) -> None:
    state.confirmed[key("web")] = b"asked"


def _to_be_judged_anew(state: TargetState) -> None:
    state.rejudge.ask()


def _to_be_rendered_anew(state: TargetState) -> None:
    state.stale.ask()


def _unseen(state: TargetState) -> None:
    state.assume(key("web"), "7")


@pytest.mark.parametrize(
    "become",
    [
        _pending,
        _drifted,
        _by_evidence,
        _by_an_answer,
        _unseen,
        _to_be_judged_anew,
        _to_be_rendered_anew,
    ],
)
async def test_only_what_is_in_sync_by_itself_is_kept(
    tmp_path: Path, become: Callable[[TargetState], None]
) -> None:
    old = in_sync(tmp_path)
    become(old)
    new = await restarted(tmp_path, old, before(tmp_path))
    assert new.pending == {key("web")}


@dataclass
class Given:
    """Answers as a test gives them."""

    basis: str = "admission 1"
    answer: bytes = b"answered"

    async def ready(self) -> None:
        """Everything is known at once."""

    def stand(self, _state: TargetState, _key: ObjectKey) -> bytes:
        """Return the answer."""
        return self.answer


async def asked(path: Path, old: Given, new: Given | None) -> TargetState:
    """Keep the verdicts that answers have confirmed, and recall them by others."""
    state = in_sync(path)
    state.confirmed[key("web")] = old.answer
    await VerdictCache(path / "verdicts", described, cast("Any", old)).keep({state.key: state})
    cache = VerdictCache(path / "verdicts", described, cast("Any", new))
    await cache.load()
    after = before(path)
    await cache.recall(after)
    return after


async def test_what_was_confirmed_is_not_asked_about_again(tmp_path: Path) -> None:
    new = await asked(tmp_path, Given(), Given())
    assert not new.pending
    assert new.assumed == {key("web")}
    assert new.confirmed == {key("web"): b"answered"}


@pytest.mark.parametrize("basis", ["admission 2", ""])
async def test_another_admission_asks_anew(tmp_path: Path, basis: str) -> None:
    new = await asked(tmp_path, Given(), Given(basis))
    assert new.pending == {key("web")}
    assert not new.confirmed


@pytest.mark.parametrize("old", [Given(answer=b""), Given(basis="")])
async def test_what_is_not_known_to_stand_is_not_kept(tmp_path: Path, old: Given) -> None:
    assert (await asked(tmp_path, old, Given())).pending == {key("web")}


async def test_another_mode_has_other_verdicts(tmp_path: Path) -> None:
    assert (await asked(tmp_path, Given(), None)).pending == {key("web")}


async def test_another_desired_object_is_compared(tmp_path: Path) -> None:
    new = before(tmp_path)
    new.install(rendered(desired("web", "y")), rejudge=False)
    assert (await restarted(tmp_path, in_sync(tmp_path), new)).pending == {key("web")}


async def test_an_object_that_cannot_be_converted_any_more_is_compared(tmp_path: Path) -> None:
    new = before(tmp_path)
    new.install(rendered(replace(desired("web"), unconverted="by a webhook")), rejudge=False)
    assert (await restarted(tmp_path, in_sync(tmp_path), new)).pending == {key("web")}


async def test_other_rules_compare_anew(tmp_path: Path) -> None:
    new = before(tmp_path, trusted=frozenset({"robot"}))
    assert (await restarted(tmp_path, in_sync(tmp_path), new)).pending == {key("web")}


@pytest.mark.parametrize("schema", ["schema 2", ""])
async def test_another_schema_compares_anew(tmp_path: Path, schema: str) -> None:
    new = await restarted(tmp_path, in_sync(tmp_path), before(tmp_path), lambda _gvk: schema)
    assert new.pending == {key("web")}


async def test_other_code_compares_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    old = in_sync(tmp_path)
    await VerdictCache(tmp_path / "verdicts", described).keep({old.key: old})
    monkeypatch.setattr("leadsman.engine.judging.verdicts._code", lambda: b"other")
    cache = VerdictCache(tmp_path / "verdicts", described)
    await cache.load()
    new = before(tmp_path)
    await cache.recall(new)
    assert new.pending == {key("web")}


async def test_a_target_of_the_same_name_made_anew_has_no_verdicts(tmp_path: Path) -> None:
    new = before(tmp_path)
    new.uid = "another"
    assert (await restarted(tmp_path, in_sync(tmp_path), new)).pending == {key("web")}


async def test_who_asks_for_a_full_check_gets_one(tmp_path: Path) -> None:
    new = before(tmp_path)
    new.requested = "now"
    assert (await restarted(tmp_path, in_sync(tmp_path), new)).pending == {key("web")}


@pytest.mark.parametrize("content", [None, b"", b"nonsense", b"\x92\x63\x90"])
async def test_without_a_file_that_can_be_read_everything_is_compared(
    tmp_path: Path, content: bytes | None
) -> None:
    path = tmp_path / "verdicts"
    if content is not None:
        path.write_bytes(content)
    cache = VerdictCache(path, described)
    await cache.load()
    new = before(tmp_path)
    await cache.recall(new)
    assert new.pending == {key("web")}


async def test_a_full_disk_costs_nothing_but_time(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "file").touch()
    old = in_sync(tmp_path)
    await VerdictCache(tmp_path / "file" / "verdicts", described).keep({old.key: old})
    assert "cannot be kept" in caplog.text
