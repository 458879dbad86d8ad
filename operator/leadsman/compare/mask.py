"""Keep a Secret's values in the process: what may be shown in their place."""

from __future__ import annotations

import re
from base64 import b64encode
from typing import TYPE_CHECKING
from urllib.parse import quote, quote_plus

import orjson

from leadsman.compare.access import mapping
from leadsman.compare.kinds.values import decode_bytes
from leadsman.model.finding import ABSENT

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from leadsman.compare.paths import Step, Steps
    from leadsman.model.identity import Gvk
    from leadsman.model.json import Json, JsonObject

BEFORE, AFTER, SAME = "*** (before)", "*** (after)", "***"

_SECRET_FIELDS = ("data", "stringData")
# Characters. What is shorter is too common to be looked for inside of other texts.
_LONG = 8
# Layers of base64 that are looked into.
_DEEPEST = 4


class Mask:
    """Masks the changes of one object, which is a Secret or may have one embedded.

    ``secrets`` are texts from Secrets that may stand in any object, as those that charts are given:
    long ones hide each value that holds them, short ones each value that holds them as a part of
    its own, as in a URL, and short words each value that they are.
    """

    __slots__ = ("_desired", "_is_secret", "_live", "_parts", "_texts", "_words")

    def __init__(
        self,
        desired: JsonObject,
        live: JsonObject,
        gvk: Gvk,
        secrets: frozenset[str] = frozenset(),
    ) -> None:
        self._is_secret = is_secret = gvk.kind == "Secret" and not gvk.group
        kind = {"apiVersion": "v1", "kind": "Secret"} if is_secret else {}
        self._desired = {**desired, **kind}
        self._live = {**live, **kind}
        own = _secret_texts((self._desired, self._live)) if is_secret else ()
        given = (form for text in secrets if len(text) >= _LONG for form in _forms(text))
        self._texts = (*own, *given)
        self._words = secrets
        odd = [text for text in secrets if len(text) < _LONG and not text.isalpha()]
        self._parts = _bounded(odd)

    def values(self, steps: Steps, desired: Json, live: Json) -> tuple[Json, Json]:
        """Return the two values of a change as they may be shown."""
        is_secret = _in_secret(self._desired, steps, live=False)
        if is_secret or _in_secret(self._live, steps, live=True):
            return _masked(desired, live)
        if self._tells(desired) or self._tells(live):
            return _masked(desired, live)
        if self._is_secret and steps[:2] == ("metadata", "annotations") and desired is ABSENT:
            # Tools note what they applied here, packed (objectset.rio.cattle.io/applied) or of a
            # former revision: no search for the values that are known finds it.
            return desired, _hidden(live, AFTER)
        return _without_secrets(desired, BEFORE), _without_secrets(live, AFTER)

    def _tells(self, value: Json) -> bool:
        """Tell whether a value, as an annotation's, holds one of the Secret's own."""
        if not (self._texts or self._words) or value is ABSENT:
            return False
        if isinstance(value, dict):
            return any(map(self._tells, value.values()))
        if isinstance(value, list):
            return any(map(self._tells, value))
        if isinstance(value, bool | None):
            return False
        return any(map(self._is_telling, _layers(str(value))))

    def _is_telling(self, shown: str) -> bool:
        return (
            shown.strip() in self._words
            or any(text in shown for text in self._texts)
            or (self._parts is not None and self._parts.search(shown) is not None)
        )


def _secret_texts(documents: Iterable[JsonObject]) -> Iterator[str]:
    """Return all forms in which a Secret's values may stand in a text."""
    for document in documents:
        for name in _SECRET_FIELDS:
            for value in mapping(document.get(name)).values():
                if not isinstance(value, str) or not value.strip():
                    continue
                yield value.strip()
                plain = (decode_bytes(value) or b"").decode(errors="replace").strip()
                if plain:
                    yield from _forms(plain)


def _bounded(texts: Iterable[str]) -> re.Pattern[str] | None:
    """Return what finds one of some texts that is not a piece of a longer word or number."""
    either = "|".join(map(re.escape, texts))
    return re.compile(rf"(?<!\w)(?:{either})(?!\w)") if either else None


def _forms(text: str) -> Iterator[str]:
    """Yield a text as it stands in a text, in JSON, in base64 and in a URL."""
    yield text
    yield orjson.dumps(text).decode()[1:-1]
    yield b64encode(text.encode()).decode()
    yield quote(text, safe="")
    yield quote_plus(text)  # as the template function urlquery writes it


def _layers(shown: str) -> Iterator[str]:
    """Yield a text, and what it is the base64 of, which a report shows decoded."""
    for _ in range(_DEEPEST):
        yield shown
        raw = decode_bytes(shown) if len(shown) >= _LONG else None
        if not raw:
            return
        shown = raw.decode(errors="replace")


def _in_secret(document: Json, steps: Steps, *, live: bool) -> bool:
    """Tell whether a place lies in the data of a Secret, embedded ones included."""
    for step in steps:
        if _is_secret(document) and step in _SECRET_FIELDS:
            return True
        document = _member(document, step, live=live)
    return False


def _is_secret(document: Json) -> bool:
    return (
        isinstance(document, dict)
        and document.get("kind") == "Secret"
        and document.get("apiVersion") == "v1"
    )


def _member(document: Json, step: Step, *, live: bool) -> Json:
    if isinstance(step, str):
        return document.get(step) if isinstance(document, dict) else None
    index = step.live if live else step.desired
    return document[index] if isinstance(document, list) and 0 <= index < len(document) else None


def _masked(desired: Json, live: Json) -> tuple[Json, Json]:
    """Mask two values in the same place, so that equal ones are seen to be equal."""
    if isinstance(desired, dict) and isinstance(live, dict):
        pairs = {
            key: _masked(desired.get(key, ABSENT), live.get(key, ABSENT))
            for key in desired.keys() | live.keys()
        }
        return (
            {key: pairs[key][0] for key in desired},
            {key: pairs[key][1] for key in live},
        )
    if desired is not ABSENT and desired == live:
        return SAME, SAME
    return _hidden(desired, BEFORE), _hidden(live, AFTER)


def _hidden(value: Json, text: str) -> Json:
    """Hide everything but the names of fields."""
    if value is ABSENT or value is None:
        return value
    if isinstance(value, dict):
        return {key: _hidden(item, text) for key, item in value.items()}
    if isinstance(value, list):
        return [_hidden(item, text) for item in value]
    return text


def _without_secrets(value: Json, text: str) -> Json:
    """Hide the data of Secrets somewhere inside a value."""
    if not _holds_secret(value):
        return value
    if isinstance(value, list):
        return [_without_secrets(item, text) for item in value]
    is_secret = _is_secret(value)
    return {
        key: _hidden(item, text)
        if is_secret and key in _SECRET_FIELDS
        else _without_secrets(item, text)
        for key, item in value.items()
    }


def _holds_secret(value: Json) -> bool:
    todo = [value]
    while todo:
        value = todo.pop()
        if _is_secret(value):
            return True
        if isinstance(value, dict):
            todo += value.values()
        elif isinstance(value, list):
            todo += value
    return False
