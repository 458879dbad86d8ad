from __future__ import annotations

from typing import TYPE_CHECKING, Any

import orjson
import pytest

from leadsman.compare.policy import compile_policy
from leadsman.engine.index import Index
from leadsman.engine.judging.observer import Observer
from leadsman.errors import KubeError
from leadsman.kube.discovery import ApiResource
from leadsman.kube.objects import ObjectMeta
from leadsman.live.scope import Scope
from leadsman.model.desired import DesiredObject, Rendered
from leadsman.model.finding import State
from leadsman.model.identity import Gvk, ObjectKey, TargetKey
from leadsman.model.source import GitSource
from leadsman.model.target import Target
from unit.engine.samples import key, target_state

if TYPE_CHECKING:
    from leadsman.engine.state import TargetState

_CONFIG_MAPS = ApiResource("", "v1", "ConfigMap", "configmaps", namespaced=True)


class _World:
    """An observer with its index, and what it said."""

    def __init__(self) -> None:
        self.index = Index()
        self.clock = 100.0
        self.news: list[TargetKey] = []
        self.depended: list[TargetKey] = []
        self.turned: list[ApiResource] = []
        self.comparisons = 0
        self.versions: dict[ObjectKey, str] = {}
        self.observer = Observer(
            self.index,
            now=lambda: self.clock,
            news=lambda state, _received: self.news.append(state.key),
            depended=self.depended.append,
            waits=lambda _state, _key, _finding, _live, _untold: False,
            compared=self._compared,
            turned=self.turned.append,
            versions=self.versions,
        )
        self.observer.schemas[_CONFIG_MAPS.gvk] = None

    def target(self, name: str, **objects: dict[str, str]) -> TargetState:
        state = target_state(name)
        source = GitSource("https://git.example/shop")
        state.target = Target(state.key, source)
        state.policy = compile_policy(state.target)
        state.rendered = ("sha",)
        self.render(state, **objects)
        return state

    def render(self, state: TargetState, **objects: dict[str, str]) -> None:
        items = (_desired(name, data) for name, data in objects.items())
        state.install(Rendered(tuple(items), "Plain"), rejudge=False)
        self.index.replace(state)

    def sees(self, name: str, data: dict[str, str], version: str = "1") -> None:
        meta = ObjectMeta(name=name, namespace="shop", resource_version=version)
        if self.observer.wanted(key(name), meta):
            self.observer.observed(_CONFIG_MAPS, key(name), meta, _live(name, data, version))

    def loses(self, name: str) -> None:
        self.observer.deleted(_CONFIG_MAPS, key(name), ObjectMeta(name=name, namespace="shop"))

    def _compared(self) -> None:
        self.comparisons += 1


def _desired(name: str, data: dict[str, str]) -> DesiredObject:
    body = orjson.dumps(
        {
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "metadata": {"name": name, "namespace": "shop"},
            "data": data,
        }
    )
    return DesiredObject(key(name), Gvk("", "v1", "ConfigMap"), body, body, f"{name}.yaml")


def _live(name: str, data: dict[str, str], version: str) -> dict[str, Any]:
    fields: dict[str, Any] = {"f:data": {f"f:{field}": {} for field in data}}
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {
            "name": name,
            "namespace": "shop",
            "resourceVersion": version,
            "managedFields": [
                {
                    "manager": "kubectl-edit",
                    "operation": "Update",
                    "apiVersion": "v1",
                    "time": "2026-01-01T00:00:00Z",
                    "fieldsType": "FieldsV1",
                    "fieldsV1": fields,
                }
            ],
        },
        "data": data,
    }


def _states(state: TargetState) -> dict[str, State]:
    return {finding.key.name: finding.state for finding in state.findings.values()}


def test_an_object_is_judged_once_per_version() -> None:
    world = _World()
    state = world.target("web", a={"x": "1"})
    world.sees("a", {"x": "1"})
    world.sees("a", {"x": "1"})
    assert world.comparisons == 1
    assert not state.pending
    assert _states(state) == {}
    world.sees("a", {"x": "2"}, "2")
    assert world.comparisons == 2
    assert _states(state) == {"a": State.MODIFIED}


def test_objects_of_nobody_stop_at_their_key() -> None:
    world = _World()
    world.target("web", a={"x": "1"})
    world.sees("stranger", {"x": "1"})
    assert world.comparisons == 0


def test_each_target_that_renders_an_object_judges_it_for_itself() -> None:
    world = _World()
    web, api = world.target("web", a={"x": "1"}), world.target("api", a={"x": "2"})
    world.sees("a", {"x": "1"})
    assert _states(web) == {}
    assert _states(api) == {"a": State.MODIFIED}


def test_a_deleted_object_is_missing_until_it_is_back() -> None:
    world = _World()
    state = world.target("web", a={"x": "1"})
    world.sees("a", {"x": "1"})
    world.loses("a")
    assert _states(state) == {"a": State.MISSING}
    world.sees("a", {"x": "1"}, "3")
    assert _states(state) == {}


def test_what_a_new_list_does_not_show_is_gone() -> None:
    world = _World()
    state = world.target("web", a={"x": "1"}, b={"x": "1"})
    world.sees("a", {"x": "1"})
    world.sees("b", {"x": "1"})
    world.observer.relisted(_CONFIG_MAPS, lambda seen: seen == key("a"))
    assert _states(state) == {"b": State.MISSING}


def test_a_list_decides_nothing_about_what_became_of_interest_meanwhile() -> None:
    world = _World()
    state = world.target("web", a={"x": "1"})
    world.observer.relisted(_CONFIG_MAPS, lambda _seen: False)
    assert state.pending == {key("a")}
    assert _states(state) == {}


def test_an_object_that_git_dropped_is_orphaned_until_it_is_gone() -> None:
    world = _World()
    state = world.target("web", a={"x": "1"}, b={"x": "1"})
    world.sees("a", {"x": "1"})
    world.sees("b", {"x": "1"})
    world.render(state, a={"x": "1"})
    world.sees("b", {"x": "1"}, "2")
    assert _states(state) == {"b": State.ORPHANED}
    world.loses("b")
    assert _states(state) == {}
    assert world.index.owners(key("b")) == ()


def test_an_orphan_that_a_report_told_of_is_of_the_kind_and_version_in_which_it_is_read() -> None:
    """Whoever's watch brings it, and however often it is: else it would be reported anew."""
    world = _World()
    state = world.target("web", a={"x": "1"})
    state.orphans[key("b")] = Gvk("", "", "ConfigMap")
    state.pending.add(key("b"))
    world.index.replace(state)
    world.sees("b", {"x": "1"})
    (finding,) = state.findings.values()
    assert finding.gvk == state.orphans[key("b")] == Gvk("", "v1", "ConfigMap")


def test_an_orphan_that_cannot_be_read_is_not_forgotten() -> None:
    world = _World()
    state = world.target("web", a={"x": "1"}, b={"x": "1"})
    world.sees("b", {"x": "1"})
    world.render(state, a={"x": "1"})
    world.observer.unverifiable_orphan(state, key("b"), "Forbidden", "cannot get configmaps")
    (finding,) = state.findings.values()
    assert (finding.state, finding.reason) == (State.UNVERIFIABLE, "Forbidden")
    assert "cannot get configmaps" in finding.message
    assert state.pending == {key("a")}
    world.sees("b", {"x": "1"}, "2")
    assert _states(state) == {"b": State.ORPHANED}


def test_an_object_that_moved_to_another_target_is_no_orphan() -> None:
    world = _World()
    web = world.target("web", a={"x": "1"}, b={"x": "1"})
    world.sees("b", {"x": "1"})
    world.render(web, a={"x": "1"})
    api = world.target("api", b={"x": "1"})
    world.sees("b", {"x": "1"}, "2")
    assert _states(web) == {}
    assert _states(api) == {}
    assert world.index.owners(key("b")) == (api,)


def test_it_is_no_orphan_any_more_once_another_target_renders_it() -> None:
    world = _World()
    web = world.target("web", a={"x": "1"}, b={"x": "1"})
    world.sees("b", {"x": "1"})
    world.render(web, a={"x": "1"})
    world.sees("b", {"x": "1"}, "2")
    assert _states(web) == {"b": State.ORPHANED}
    api = world.target("api", b={"x": "1"})
    world.news.clear()
    world.observer.adopted(api)
    assert _states(web) == {}
    assert world.news == [web.key]
    assert world.index.owners(key("b")) == (api,)


def test_a_kind_that_may_not_be_read_is_unverifiable_and_comes_back() -> None:
    world = _World()
    state = world.target("web", a={"x": "1"})
    world.sees("a", {"x": "1"})
    error = KubeError("Forbidden", "cannot list configmaps", status=403, retryable=False)
    world.observer.failed(_CONFIG_MAPS, error)
    (finding,) = state.findings.values()
    assert (finding.state, finding.reason) == (State.UNVERIFIABLE, "Forbidden")
    assert "cannot list configmaps" in finding.message
    world.sees("a", {"x": "1"})
    assert _states(state) == {}


def test_what_may_not_be_read_in_one_namespace_is_unverifiable_there_alone() -> None:
    world = _World()
    state = world.target("web", a={"x": "1"})
    world.sees("a", {"x": "1"})
    error = KubeError("Forbidden", "cannot list configmaps", status=403, retryable=False)
    world.observer.failed(_CONFIG_MAPS, error, Scope(frozenset({"blog"})))
    world.observer.failed(_CONFIG_MAPS, error, Scope(frozenset({"shop", "blog"}), others=True))
    assert _states(state) == {}
    world.observer.failed(_CONFIG_MAPS, error, Scope(frozenset({"shop"})))
    assert _states(state) == {"a": State.UNVERIFIABLE}


@pytest.mark.parametrize(
    "reason", ["ApiServerUnreachable", "Timeout", "InternalError", "Forbidden"]
)
def test_what_may_pass_changes_no_verdict(reason: str) -> None:
    world = _World()
    state = world.target("web", a={"x": "1"})
    world.sees("a", {"x": "1"})
    world.observer.failed(_CONFIG_MAPS, KubeError(reason, "no answer"))
    assert _states(state) == {}
    assert world.turned == [_CONFIG_MAPS]


def test_targets_are_looked_at_when_a_kind_can_be_read_again() -> None:
    world = _World()
    world.observer.recovered(_CONFIG_MAPS)
    assert world.turned == [_CONFIG_MAPS]


def test_an_object_read_in_another_version_is_not_compared() -> None:
    world = _World()
    state = world.target("web", a={"x": "1"})
    other = ApiResource("", "v2", "ConfigMap", "configmaps", namespaced=True)
    meta = ObjectMeta(name="a", namespace="shop", resource_version="1")
    world.observer.observed(other, key("a"), meta, _live("a", {"x": "2"}, "1"))
    assert world.comparisons == 0
    assert state.pending == {key("a")}


def test_only_news_is_told() -> None:
    world = _World()
    state = world.target("web", a={"x": "1"})
    world.sees("a", {"x": "2"}, "1")
    world.sees("a", {"x": "2"}, "2")
    assert world.news == [state.key]
    world.sees("a", {"x": "3"}, "3")
    assert len(world.news) == 2


def test_a_change_of_what_a_render_reads_wakes_its_target() -> None:
    world = _World()
    state = world.target("web", a={"x": "1"})
    world.index.depend(state.key, [key("values")])
    world.versions[key("values")] = "1"
    world.sees("values", {}, "1")
    assert world.depended == []
    world.sees("values", {}, "2")
    assert world.depended == [state.key]
    world.loses("values")
    assert world.depended == [state.key, state.key]


def test_what_a_render_reads_is_gone_if_a_new_list_does_not_show_it() -> None:
    world = _World()
    state = world.target("web")
    world.index.depend(state.key, [key("values")])
    world.sees("values", {})
    world.depended.clear()
    world.observer.relisted(_CONFIG_MAPS, lambda _key: True)
    assert not world.depended
    for _ in range(2):
        world.observer.relisted(_CONFIG_MAPS, lambda _key: False)
        assert world.depended == [state.key]  # once
    world.sees("values", {})
    assert world.depended == [state.key] * 2


def test_without_the_schema_that_is_read_anew_nothing_is_judged() -> None:
    world = _World()
    state = world.target("web", a={"x": "1"})
    world.sees("a", {"x": "1"})
    del world.observer.schemas[_CONFIG_MAPS.gvk]
    world.sees("a", {"x": "2"}, "2")
    assert state.pending == {key("a")}
    assert world.comparisons == 1
    world.observer.schemas[_CONFIG_MAPS.gvk] = None
    world.sees("a", {"x": "2"}, "2")
    assert state.findings[key("a")].state is State.MODIFIED


def test_a_kind_whose_schema_cannot_be_read_is_unverifiable_until_it_can() -> None:
    world = _World()
    state = world.target("web", a={"x": "1"})
    world.observer.undescribed[_CONFIG_MAPS.gvk] = KubeError("UnexpectedAnswer", "no document")
    world.sees("a", {"x": "1"})
    finding = state.findings[key("a")]
    assert (finding.state, finding.reason) == (State.UNVERIFIABLE, "UnexpectedAnswer")
    assert finding.message == "no document"
    assert state.pending == {key("a")}  # to be looked at again
    del world.observer.undescribed[_CONFIG_MAPS.gvk]
    world.sees("a", {"x": "1"}, "2")
    assert not state.findings
    assert not state.pending
