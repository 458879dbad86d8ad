"""One target with one ConfigMap, and what judges it."""

from __future__ import annotations

from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, cast

from leadsman.compare.policy import compile_policy
from leadsman.engine.index import Index
from leadsman.engine.judging.acquire import Acquirer
from leadsman.engine.judging.following import Following
from leadsman.engine.judging.observer import Observer
from leadsman.kube.discovery import ApiResource
from leadsman.kube.objects import ObjectMeta
from leadsman.model.desired import DesiredObject
from leadsman.model.finding import State
from leadsman.model.json import canonical
from leadsman.model.source import GitSource
from leadsman.model.target import Target
from unit.engine.samples import CONFIG_MAP, key, rendered, target_state

if TYPE_CHECKING:
    from leadsman.kube.client import Client
    from leadsman.live.spread import Gap
    from leadsman.model.json import JsonObject

RESOURCE = ApiResource(
    "",
    "v1",
    "ConfigMap",
    "configmaps",
    namespaced=True,
    verbs=frozenset({"list", "patch", "watch"}),
)
WEB = key("web")


def config_map(value: str, **metadata: Any) -> JsonObject:
    """Return a ConfigMap as it lives."""
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": "web", "namespace": "shop", **metadata},
        "data": {"x": value},
    }


class World:
    """One target with one ConfigMap."""

    def __init__(self, client: Client) -> None:
        self.state = target_state()
        self.state.target = Target(self.state.key, GitSource("https://git.example/shop"))
        self.state.policy = compile_policy(self.state.target)
        self.state.settled = True
        self.now = 1.0
        self.index = Index()
        self.observer = Observer(
            self.index,
            now=lambda: self.now,
            news=lambda _state, _received: None,
            depended=lambda _key: None,
            turned=lambda _resource: None,
            compared=lambda: None,
            waits=lambda *_: False,
            versions={},
        )
        self.observer.schemas[CONFIG_MAP] = None
        discovery = SimpleNamespace(resource=lambda _gvk: RESOURCE, readable=lambda _gvk: ())
        self.following = Following(cast("Any", discovery), self.index, self.observer)
        self.acquirer = Acquirer(
            client,
            cast("Any", discovery),
            cast("Any", None),
            self.observer,
            self.following,
            held=lambda _state, _key: False,
        )

    def commit(self, value: str) -> None:
        body = canonical(config_map(value))
        one = DesiredObject(WEB, CONFIG_MAP, body, body, "a.yaml")
        self.state.install(rendered(one), rejudge=False)
        self.index.replace(self.state)

    def sees(self, value: str, version: str) -> None:
        meta = ObjectMeta(name="web", namespace="shop", resource_version=version)
        obj = config_map(value, resourceVersion=version)
        self.observer.observed(RESOURCE, WEB, meta, obj)

    def gaps(self, *gaps: Gap) -> None:
        """Have the kind be watched everywhere but there."""
        watches = SimpleNamespace(
            gaps=lambda _resource: gaps, synced=lambda _resource, _namespace: not gaps
        )
        self.following.watches = cast("Any", watches)
        self.following._resources[self.state.key] = frozenset({RESOURCE})

    def verdict(self) -> State:
        found = self.state.findings.get(WEB)
        return State.IN_SYNC if found is None else found.state
