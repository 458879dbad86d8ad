"""What the API server makes of a HorizontalPodAutoscaler on its way in.

Source: ``defaults.go`` and ``annotations.go`` in ``pkg/apis/autoscaling``; v1 keeps in annotations
what it has no fields for, in the names of Go and written anew each time.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import orjson

from leadsman.compare.access import mapping

if TYPE_CHECKING:
    from leadsman.model.json import Json, JsonObject

_ALPHA = "autoscaling.alpha.kubernetes.io/"
_STATUS = (f"{_ALPHA}conditions", f"{_ALPHA}current-metrics")
_PERCENT: JsonObject = {"type": "Percent", "value": 100, "periodSeconds": 15}
_USUAL: dict[str, JsonObject] = {
    "scaleUp": {
        "stabilizationWindowSeconds": 0,
        "selectPolicy": "Max",
        "policies": [{"type": "Pods", "value": 4, "periodSeconds": 15}, _PERCENT],
    },
    "scaleDown": {"selectPolicy": "Max", "policies": [_PERCENT]},
}


def _named_by_go(value: Json) -> Json:
    """Name the fields of a behavior as the annotation does, which Go writes without tags."""
    if isinstance(value, dict):
        return {key[:1].upper() + key[1:]: _named_by_go(item) for key, item in value.items()}
    return [_named_by_go(item) for item in value] if isinstance(value, list) else value


# By annotation, what is in it where nothing is given.
_TEXTS = {f"{_ALPHA}metrics": {}, f"{_ALPHA}behavior": _named_by_go(_USUAL)}


def in_autoscaler(desired: JsonObject, live: JsonObject) -> None:
    """Leave out what completes a behavior that is given, and the status that v1 has no fields for.

    Of what v1 keeps as text Git's own is taken where it says the same.
    """
    wanted, found = _annotations(desired), _annotations(live)
    for name, usual in _TEXTS.items():
        given, told = wanted.get(name), found.get(name)
        if isinstance(given, str) and isinstance(told, str) and _is_said(given, told, usual):
            found[name] = given
    for document, notes in ((desired, wanted), (live, found)):
        if notes:
            kept = {key: text for key, text in notes.items() if key not in _STATUS}
            document["metadata"] = {**mapping(document.get("metadata")), "annotations": kept}
    behavior = mapping(desired.get("spec")).get("behavior")
    spec = mapping(live.get("spec"))
    if isinstance(behavior, dict) and isinstance(spec.get("behavior"), dict):
        live["spec"] = {**spec, "behavior": _as_given(behavior, mapping(spec["behavior"]))}


def _annotations(document: JsonObject) -> JsonObject:
    return dict(mapping(mapping(document.get("metadata")).get("annotations")))


def _as_given(behavior: JsonObject, found: JsonObject) -> JsonObject:
    rest = dict(found)
    for direction, usual in _USUAL.items():
        given, told = behavior.get(direction), found.get(direction)
        if not isinstance(told, dict):
            continue
        if isinstance(given, dict):
            rest[direction] = {
                key: value
                for key, value in told.items()
                if given.get(key) is not None or key not in usual or value != usual[key]
            }
        elif told == usual:
            del rest[direction]
    return rest


def _is_said(given: str, told: str, usual: Json) -> bool:
    """Tell whether two texts say the same, one of them with null or ``usual`` values besides."""
    try:
        return _is_completed(orjson.loads(given), orjson.loads(told), usual)
    except orjson.JSONDecodeError:
        return False


def _is_completed(given: Json, told: Json, usual: Json) -> bool:
    if isinstance(given, dict) and isinstance(told, dict):
        filled = {**mapping(usual), **given}
        return all(
            _is_completed(item, told.get(key), mapping(usual).get(key))
            for key, item in filled.items()
        ) and all(told[key] is None for key in told.keys() - filled.keys())
    if isinstance(given, list) and isinstance(told, list):
        return len(given) == len(told) and all(
            _is_completed(one, other, None) for one, other in zip(given, told, strict=True)
        )
    return bool(given == told)
