"""Targets and objects for the engine's tests."""

from __future__ import annotations

from leadsman.engine.state import TargetState
from leadsman.model.desired import DesiredObject, Rendered
from leadsman.model.finding import Change, Finding, Op, State
from leadsman.model.identity import Gvk, ObjectKey, TargetKey

CONFIG_MAP = Gvk("", "v1", "ConfigMap")


def key(name: str) -> ObjectKey:
    return ObjectKey("", "ConfigMap", "shop", name)


def desired(name: str, content: str = "x", gvk: Gvk = CONFIG_MAP) -> DesiredObject:
    return DesiredObject(key(name), gvk, content.encode(), content.encode(), f"{name}.yaml")


def rendered(*objects: DesiredObject) -> Rendered:
    return Rendered(objects, "Plain")


def finding(name: str, state: State = State.MODIFIED, message: str = "") -> Finding:
    op = {State.MODIFIED: Op.REPLACE, State.ADDED: Op.ADD}.get(state)
    changes = (Change("/data/x", ".data.x", op),) if op is not None else ()
    return Finding(key(name), CONFIG_MAP, state, changes, message=message)


def target_state(name: str = "web") -> TargetState:
    return TargetState(TargetKey("DriftCheck", "shop", name), uid="1")
