"""What should have been said of a change, and what is wrong with what was said."""

from __future__ import annotations

import re
from base64 import b64decode
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from leadsman.model.finding import ABSENT, Op
from truth.hands import ANOTHER_FILE, APPLY
from truth.mutations import ACTIONS
from truth.places import GONE, at, pointer, tokens_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from leadsman.model.finding import Change, Finding
    from truth.material import Manifest
    from truth.mutations import Mutation
    from truth.outcome import Made

# What says nothing, where it is all that Git has.
_NOTHING: tuple[Any, ...] = (GONE, None, {}, [])
# What is not compared, or not told of, on purpose: kinds, places, what may be done there.
# docs/truth.md says why.
_ALL = frozenset(ACTIONS)
_BY_DESIGN = tuple(
    (re.compile(kinds), re.compile(places), actions)
    for kinds, places, actions in (
        # kubectl's own note of what it applied.
        (".*", r"/metadata/annotations/kubectl\.kubernetes\.io~1last-applied.*", _ALL),
        # Written by the controller that aggregates roles.
        ("ClusterRole", r"/rules\b.*", frozenset({"aggregated"})),
        # The API server regroups them, so their order says nothing.
        ("Endpoints", r"/subsets(/\d+/.*)?", frozenset({"reorder"})),
        # Put on and taken off as a Node's condition says.
        ("Node", r"/spec/taints/\d+.*", frozenset({"not of Git"})),
        # Those that every Pod is given are left out, wherever they stand.
        ("Pod", r"/spec/tolerations", frozenset({"reorder"})),
        # Every injector of certificates may put it there; one that says nothing is a placeholder.
        (".*", r".*/caBundle", frozenset({"add", "remove", "zero", "change"})),
        # What every Pod made from a template has without it.
        (".*", r".*/template/spec/enableServiceLinks", frozenset({"service links"})),
        # What a StatefulSet does without it, and is given where Git leaves the type out.
        ("StatefulSet", r"/spec/updateStrategy/rollingUpdate", frozenset({"usual update"})),
        # The account that a Pod has without it.
        (".*", r".*/serviceAccount(Name)?", frozenset({"default account"})),
    )
)
_USUAL_UPDATE = {"partition": 0, "maxUnavailable": 1}
# One field under two names.
_ALIAS = re.compile(r"/((?:.*/)?)serviceAccount$")


@dataclass(frozen=True, slots=True)
class Expectation:
    """A change that was made, by whom, by which request, and whether it is drift."""

    mutation: Mutation
    manager: str
    hand: str
    drift: bool


def expect(made: Made, kind: str, after: dict[str, Any]) -> Expectation:
    """Say whether a change that the API server has stored is drift.

    It is where Git specifies the place, and where something was put that Git does not have. It is
    not where only the order of a list changed that has none, and where something was taken away
    that Git never had.
    """
    mutation = made.mutation
    place = mutation.place
    specified = is_something(place.desired)
    marks = {mutation.action, *_marks(mutation, after)}
    if any(
        kinds.fullmatch(kind)
        and pattern.fullmatch(place.pointer)
        and not actions.isdisjoint(marks)
        and not (specified and "placeholder" not in marks and "caBundle" in place.pointer)
        for kinds, pattern, actions in _BY_DESIGN
    ):
        drift = False
    elif mutation.action == "reorder":
        drift = specified and place.type.order == "fixed"
    elif mutation.action == "zero" and not specified and at(after, mutation.tokens):
        drift = False  # the API server has chosen another value
    elif mutation.action == "remove" and _has_all(at(after, mutation.tokens), place.desired):
        drift = False  # the API server has put it back, as a Job's labels from its template
    elif mutation.action == "remove" or at(after, mutation.tokens) is GONE:
        drift = specified or (place.whole >= 0 and place.within is not GONE)
    else:
        drift = True
    return Expectation(mutation, made.manager, made.hand, drift)


def is_something(desired: Any) -> bool:
    """Tell whether what Git has at a place says anything."""
    return not any(desired is each or desired == each for each in _NOTHING)


def _has_all(live: Any, desired: Any) -> bool:
    return isinstance(live, dict) and isinstance(desired, dict) and desired.items() <= live.items()


def _marks(mutation: Mutation, after: dict[str, Any]) -> Iterator[str]:
    """Yield what else is known of a change that is told of otherwise than others."""
    if (after.get("aggregationRule") or {}).get("clusterRoleSelectors"):
        yield "aggregated"
    if mutation.place.desired is GONE:
        yield "not of Git"
    if mutation.operation.get("value") == "default":
        yield "default account"
    if mutation.place.desired is GONE and mutation.operation.get("value") is True:
        yield "service links"
    if mutation.operation.get("value") == _USUAL_UPDATE:
        yield "usual update"
    desired = mutation.place.desired
    if (
        mutation.tokens[-1] == "caBundle"
        and isinstance(desired, str)
        and not b64decode(desired).strip()
    ):
        yield "placeholder"


def wrong_path(expected: Expectation, finding: Finding, after: dict[str, Any]) -> str:
    """Say what is wrong with the paths, operations and values that were told; "" if nothing is."""
    told = [change for change in finding.changes if _is_about(expected.mutation, change)]
    if not told:
        paths = ", ".join(change.path for change in finding.changes)
        return f"nothing at {expected.mutation.place.pointer}: {paths}"
    for change in told:
        tokens = tokens_of(change.path, after)
        if _is_above(change, expected.mutation) and at(after, tokens) not in _NOTHING:
            return f"{change.path} is said to be gone, and is {at(after, tokens)!r}"
        if change.live is not ABSENT and not _masked(change):
            seen = at(after, tokens)
            if seen is GONE or (seen != change.live and not _shown(seen, change.live)):
                return f"{change.path} is said to be {change.live!r}, and is {seen!r}"
    return ""


def unfounded(
    done: Sequence[Made],
    finding: Finding,
    before: dict[str, Any],
    after: dict[str, Any],
    *,
    is_released: bool,
) -> str:
    """Name a path that was told of though nothing changed there; "" if there is none.

    ``is_released``: an autoscaler that saw to the replicas does not any more, so that they are
    somebody's now.
    """
    for change in finding.changes:
        if is_released and change.path == "/spec/replicas" and not change.manager:
            continue
        if any(_is_about(each.mutation, change) or _took(each, change) for each in done):
            continue
        tokens = tokens_of(change.path, after)
        if _same(at(before, tokens), at(after, tokens)):
            owner = f"{change.cause} {change.manager} {change.operation} {change.time}"
            return f"{change.op} {change.path} ({change.desired!r} -> {change.live!r}) by {owner}"
    return ""


def released(
    before: Mapping[Manifest, dict[str, Any]], after: Mapping[Manifest, dict[str, Any]]
) -> set[tuple[str, str, str]]:
    """Return what autoscalers scaled and do not any more, by namespace, kind and name."""
    found = set()
    for one, live in before.items():
        if one.gvk.kind == "HorizontalPodAutoscaler":
            reference, now = (
                at(body, ("spec", "scaleTargetRef")) for body in (live, after.get(one))
            )
            if reference != now:
                found.add((one.namespace, reference["kind"], reference["name"]))
    return found


def wrong_manager(expected: Expectation, finding: Finding, after: dict[str, Any]) -> str:
    """Say who was wrongly named for a change, or how and when they wrote; "" if nobody was."""
    for change in finding.changes:
        if not _is_about(expected.mutation, change):
            continue
        if not _has_owner(expected, change, after):
            if change.manager:
                return f"{change.path}: {change.manager}, where nobody owns anything any more"
            continue
        entries = after["metadata"].get("managedFields") or ()
        if not any(entry.get("manager") == expected.manager for entry in entries):
            # The API server has given what it owned to one who wrote later.
            continue
        if change.manager != expected.manager:
            return f"{change.path}: {change.manager or 'nobody'} and not {expected.manager}"
        writes = {
            (entry.get("operation", ""), entry.get("time", ""))
            for entry in entries
            if entry.get("manager") == change.manager
        }
        if (change.operation, change.time) not in writes:
            what = f"{change.operation} at {change.time!r}"
            return f"{change.path}: {change.manager} never wrote by {what}"
    return ""


def near(mutation: Mutation, paths: tuple[str, ...]) -> bool:
    """Tell whether one of some paths is that of a change, or above or below it."""
    place = mutation.place.pointer
    parent = place.rpartition("/")[0]
    return any(
        path.startswith(place) or place.startswith(path) or path.rpartition("/")[0] == parent
        for path in paths
    )


def _has_owner(expected: Expectation, change: Change, after: dict[str, Any]) -> bool:
    """Tell whether managedFields can name anybody for a change.

    Not where the field is gone, unless somebody applied a zero that is not stored, or it was part
    of what is owned as a whole and still is there; and not in an object without any: the API server
    keeps none where none were before.
    """
    if not after["metadata"].get("managedFields"):
        return False
    mutation = expected.mutation
    whole = mutation.place.unit
    if change.live is not ABSENT or expected.hand == APPLY:
        # Of what its only owner has dropped, the API server makes a default of nobody's.
        is_dropped = mutation.action == "remove" and whole < 0
        return not (is_dropped and expected.hand == ANOTHER_FILE and _applies(expected, after))
    if mutation.is_renaming and not 0 <= whole < len(mutation.tokens) - 1:
        return False  # the element is another
    return whole >= 0 and at(after, mutation.tokens[:whole]) is not GONE


def _applies(expected: Expectation, after: dict[str, Any]) -> bool:
    """Tell whether a manager delivers by server-side apply."""
    return all(
        entry["operation"] == "Apply"
        for entry in after["metadata"]["managedFields"]
        if entry.get("manager") == expected.manager
    )


def _is_about(mutation: Mutation, change: Change) -> bool:
    """Tell whether a change that is told is the one that was made."""
    path, place = change.path, mutation.place.pointer
    if path in {place, _ALIAS.sub(r"/\1serviceAccountName", place)} or _is_above(change, mutation):
        return True
    tokens, unit = mutation.tokens, mutation.place.unit
    inside = path.startswith(f"{place}/")
    siblings = path.rpartition("/")[0] == pointer(tokens[:-1]) and isinstance(tokens[-1], int)
    if mutation.is_renaming:
        # Another element: one has gone, one has come.
        about = path.startswith(f"{pointer(tokens[:-2])}/")
    elif unit >= 0 and mutation.action in {"change", "zero"} and mutation.place.desired is not GONE:
        about = False
    elif unit >= 0:
        # Part of what is owned as a whole: how its elements are paired is for the teller to choose.
        whole = pointer(tokens[:unit])
        about = path == whole or path.startswith(f"{whole}/")
    elif mutation.action == "remove":
        # An element that is gone is told of by its place in Git.
        about = inside or siblings
    else:
        about = inside and (mutation.action in {"reorder", "add"} or mutation.place.value is None)
    return about


def _is_above(change: Change, mutation: Mutation) -> bool:
    """Tell whether all around a place is told to be gone, an element of a list apart."""
    tokens = mutation.tokens
    return change.op is Op.REMOVE and any(
        change.path == pointer(tokens[:length])
        for length in range(1, len(tokens))
        if isinstance(tokens[length - 1], str)
    )


def _took(made: Made, change: Change) -> bool:
    """Tell whether an addition is an element that its author has become an owner of.

    As of what admission has added, which nobody owned: who applies something in it applies it.
    """
    place = made.mutation.place.pointer
    is_theirs = made.hand == APPLY and change.manager == made.manager
    return is_theirs and change.op is Op.ADD and place.startswith(f"{change.path}/")


def _masked(change: Change) -> bool:
    return "***" in str(change.live)


def _shown(seen: Any, told: Any) -> bool:
    # data and stringData of a Secret, and null against nothing.
    return (seen in (None, {}, []) and told in (None, {}, [])) or bool(seen == told)


def _same(one: Any, other: Any) -> bool:
    return one is other if one is GONE or other is GONE else bool(one == other)
