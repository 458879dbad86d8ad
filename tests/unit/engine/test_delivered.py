from __future__ import annotations

from copy import deepcopy
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

from leadsman.engine.delivered import Delivered
from leadsman.errors import KubeError
from leadsman.model.identity import TargetKey

if TYPE_CHECKING:
    from leadsman.engine.state import TargetState
    from leadsman.errors import LeadsmanError
    from leadsman.model.target import Target

SHA = "1d75b6b4f5a43980cb4e09e82c9520e9fae63a39"
KEY = TargetKey("Kustomization", "apps", "shop")
SOURCE_KEY = TargetKey("GitRepository", "apps", "shop")
SOURCE: Any = {"metadata": {}, "spec": {"url": "https://git.example.com/shop"}, "status": {}}


def kustomization(ready: str = "True", reason: str = "", *, applied: bool = True) -> Any:
    condition = {"type": "Ready", "status": ready, "reason": reason, "message": "said"}
    return {
        "apiVersion": "kustomize.toolkit.fluxcd.io/v1",
        "kind": "Kustomization",
        "metadata": {"name": "shop", "namespace": "apps", "uid": "u", "generation": 1},
        "spec": {"sourceRef": {"kind": "GitRepository", "name": "shop"}},
        "status": {
            "observedGeneration": 1,
            "conditions": [condition],
            "lastAppliedRevision": f"main@sha1:{SHA}" if applied else "",
            "inventory": {"entries": [{"id": "x", "v": "v1"}] * 1000},
        },
    }


class Engine:
    """Takes targets as the engine does, and says what came."""

    def __init__(self) -> None:
        self.states: dict[TargetKey, TargetState] = {}
        self.told: list[Target | str] = []

    def target_changed(
        self,
        key: TargetKey,
        target: Target | None,
        *,
        metadata: Any,
        error: LeadsmanError | None = None,
    ) -> None:
        assert metadata["uid"] == "u"
        self.told.append(target if target is not None else f"{getattr(error, 'reason', '')}")
        before = self.states[key].target if key in self.states else None
        state = SimpleNamespace(target=target or before, spec_error=error)
        self.states[key] = state  # type: ignore[assignment]

    def resource_gone(self, key: TargetKey) -> None:
        self.told.append("gone")
        self.states.pop(key, None)


def begun(resource: Any | None = None) -> tuple[Engine, Delivered]:
    engine = Engine()
    delivered = Delivered(engine)
    delivered.source_changed(SOURCE_KEY, SOURCE)
    if resource is not None:
        delivered.changed(resource)
    assert engine.told == []
    delivered.begin()
    return engine, delivered


def reason(engine: Engine) -> str:
    """What delivery is last said to fail with."""
    last = engine.told[-1]
    if isinstance(last, str):
        return last
    assert last.delivery is not None
    return last.delivery.complaint.reason if last.delivery.complaint else ""


def test_nothing_is_told_before_all_is_known() -> None:
    engine, _ = begun(kustomization())
    (target,) = engine.told
    assert not isinstance(target, str)
    assert target.key == KEY


def test_the_source_may_come_later_and_go() -> None:
    engine, delivered = begun(kustomization())
    delivered.source_changed(SOURCE_KEY, None)
    assert reason(engine) == "SourceNotFound"
    delivered.source_changed(SOURCE_KEY, SOURCE)
    assert reason(engine) == ""
    told = len(engine.told)
    # Its status is nobody's business, nor is another source.
    delivered.source_changed(SOURCE_KEY, {**SOURCE, "status": {"observedGeneration": 2}})
    delivered.source_changed(TargetKey("GitRepository", "apps", "other"), SOURCE)
    assert len(engine.told) == told


def test_what_its_source_says_is_told_of_who_takes_from_it() -> None:
    engine, delivered = begun(kustomization())
    failed = {
        **SOURCE,
        "status": {
            "conditions": [
                {
                    "type": "Ready",
                    "status": "False",
                    "reason": "GitOperationFailed",
                    "message": "no",
                }
            ]
        },
    }

    def told() -> tuple[str, str]:
        state = engine.states[KEY]
        assert state.target is not None
        assert state.target.delivery is not None
        complaint, suspension = state.target.delivery.complaint, state.target.delivery.suspension
        said = f"{complaint.reason}: {complaint.message}" if complaint is not None else ""
        return said, suspension.why if suspension is not None else ""

    delivered.source_changed(SOURCE_KEY, failed)
    name = "GitRepository apps/shop"
    assert told() == (f"SourceFailed: {name}: GitOperationFailed: no", "")
    suspended = {**failed, "spec": {**SOURCE["spec"], "suspend": True}}
    delivered.source_changed(SOURCE_KEY, suspended)
    assert told() == (f"SourceFailed: {name}: GitOperationFailed: no", f"{name} is suspended")
    # What fails itself is said first.
    delivered.changed(kustomization("False", "BuildFailed"))
    assert told() == ("BuildFailed: said", f"{name} is suspended")
    well = {**SOURCE, "status": {"conditions": [{"type": "Ready", "status": "True"}]}}
    delivered.source_changed(SOURCE_KEY, well)
    delivered.changed(kustomization())
    assert told() == ("", "")


def test_a_source_that_may_not_be_read_is_not_said_to_be_gone() -> None:
    engine, delivered = begun(kustomization())
    delivered.source_changed(SOURCE_KEY, None)
    error = KubeError("Forbidden", "leadsman may not list gitrepositories", status=403)
    delivered.sources_unread("GitRepository", error)
    assert reason(engine) == "SourceNotReadable"
    delivered.sources_unread("GitRepository", None)
    assert reason(engine) == "SourceNotFound"


def test_while_it_runs_nothing_changes_but_that_it_does() -> None:
    engine, delivered = begun(kustomization())
    running = kustomization("Unknown")
    running["spec"]["path"] = "./other"
    running["metadata"]["generation"] = 2
    delivered.changed(running)
    target = engine.states[KEY].target
    assert target is not None
    assert target.delivery is not None
    assert (target.path, target.delivery.running) == ("", False)
    done = deepcopy(running)
    done["status"] |= {"observedGeneration": 2}
    done["status"]["conditions"][0]["status"] = "True"
    delivered.changed(done)
    target = engine.states[KEY].target
    assert target is not None
    assert target.path == "other"


def test_what_fails_does_so_until_it_does_not() -> None:
    engine, delivered = begun(kustomization())
    seen = []
    for ready, why in (
        ("False", "BuildFailed"),
        ("Unknown", ""),
        ("False", "BuildFailed"),
        ("True", ""),
    ):
        delivered.changed(kustomization(ready, why))
        seen.append(reason(engine))
    assert seen == ["BuildFailed", "BuildFailed", "BuildFailed", ""]


def test_why_nothing_was_ever_applied_is_said_in_flux_words() -> None:
    engine, delivered = begun(kustomization("False", "BuildFailed", applied=False))
    assert engine.told == ["BuildFailed"]
    # Also while it tries again.
    delivered.changed(kustomization("Unknown", applied=False))
    delivered.changed(kustomization("True", applied=False))
    assert engine.told[1:] == ["BuildFailed", "NotApplied"]


def test_a_controller_that_has_stopped_is_told_once_until_it_goes_on() -> None:
    now = 1000.0
    engine = Engine()
    delivered = Delivered(engine, now=lambda: now)
    delivered.source_changed(SOURCE_KEY, SOURCE)
    delivered.begin()
    waiting = kustomization()
    waiting["metadata"]["generation"] = 2
    delivered.changed(waiting)
    seen = []
    for now in (1100.0, 1200.0, 1300.0):  # noqa: B007 - the clock reads it
        delivered.look()
        seen.append((len(engine.told), reason(engine)))
    assert seen == [(1, ""), (2, "DeliveryStalled"), (2, "DeliveryStalled")]
    waiting["status"]["observedGeneration"] = 2
    delivered.changed(waiting)
    assert reason(engine) == ""


def test_who_is_not_to_be_looked_at() -> None:
    engine, delivered = begun(kustomization())
    ignored = kustomization()
    ignored["metadata"]["annotations"] = {"leadsman.dev/ignore": "true"}
    delivered.changed(ignored)
    assert engine.told[-1] == "gone"
    delivered.changed(ignored)
    assert engine.told.count("gone") == 1
    delivered.changed(kustomization())
    assert engine.states.keys() == {KEY}
    delivered.gone(KEY)
    assert engine.told.count("gone") == 2
    assert delivered.keys == frozenset()
    delivered.source_changed(SOURCE_KEY, None)
    assert engine.told[-1] == "gone"


def test_what_nobody_reads_is_not_kept() -> None:
    _, delivered = begun(kustomization())
    (kept,) = delivered._resources.values()
    assert "inventory" not in kept["status"]
