"""What the API server's own code for a kind makes of an object on its way in, beyond defaults.

Each function takes Git's object and the live one, reduced to what is compared, and writes into
Git's what is stored, or leaves out of live what was put there.
"""

from __future__ import annotations

from itertools import zip_longest
from typing import TYPE_CHECKING

from leadsman.compare.access import mapping, objects

if TYPE_CHECKING:
    from collections.abc import Callable

    from leadsman.model.json import Json, JsonObject

# What a claim may be filled from, if it names no ``dataSourceRef``: by API group and kind.
_DATA_SOURCES = (
    ("", "PersistentVolumeClaim"),
    ("snapshot.storage.k8s.io", "VolumeSnapshot"),
)
# The fields of a Pod's terms that name labels, and the operator that is made of each.
_KEYS = (("matchLabelKeys", "In"), ("mismatchLabelKeys", "NotIn"))


def in_pod(desired: JsonObject, live: JsonObject) -> None:
    """Write down a Pod's defaults that a template has not, and leave out looked-up labels.

    Source: ``SetDefaults_Pod`` in ``pkg/apis/core/v1/defaults.go``, ``mutatePodAffinity`` and
    ``mutateTopologySpreadConstraints`` in ``pkg/registry/core/pod/strategy.go`` (KEP-3633, 3243).
    """
    spec = desired.get("spec")
    if not isinstance(spec, dict):
        return
    new = dict(spec)
    grace = new.get("terminationGracePeriodSeconds")
    if isinstance(grace, int) and grace < 0:
        new["terminationGracePeriodSeconds"] = 1
    for name in ("containers", "initContainers"):
        if name in new:
            new[name] = _each(new[name], lambda one: {**one, **_resources(one)})
            if new.get("hostNetwork") is True:
                new[name] = _each(new[name], lambda one: {**one, **_ports(one)})
    desired["spec"] = new
    found = live.get("spec")
    if isinstance(found, dict):
        if isinstance(new.get("resources"), dict):
            new["resources"] = _shared(new, mapping(found.get("resources")))
        live["spec"] = _as_sent(found, new)


def _resources(container: JsonObject) -> JsonObject:
    """Return a container's resources, in which what is limited alone is requested as well."""
    given = mapping(container.get("resources"))
    limits = mapping(given.get("limits"))
    if not limits:
        return {}
    return {"resources": {**given, "requests": {**limits, **mapping(given.get("requests"))}}}


def _shared(spec: JsonObject, found: JsonObject) -> JsonObject:
    """Return what a Pod's containers share, with what the API server adds up of their own.

    The sums are taken from live. Source: ``defaultPodRequests`` and ``defaultHugePagePodLimits``,
    KEP-2837.
    """
    given: JsonObject = spec["resources"]
    own = [
        mapping(each.get("resources"))
        for name in ("containers", "initContainers")
        for each in objects(spec.get(name))
    ]
    limits, requests = dict(mapping(given.get("limits"))), dict(mapping(given.get("requests")))
    if limits or requests:
        for name, value in mapping(found.get("limits")).items():
            if name not in requests and _any_has(own, "limits", name) and _is_huge_page(name):
                limits.setdefault(name, value)
    if limits:
        for name, value in mapping(found.get("requests")).items():
            if _any_has(own, "requests", name) and not _is_huge_page(name):
                requests.setdefault(name, value)
            elif name in limits:
                requests.setdefault(name, limits[name])
    filled = {"limits": limits, "requests": requests}
    return {**given, **{field: values for field, values in filled.items() if values}}


def _any_has(resources: list[JsonObject], field: str, name: str) -> bool:
    return any(name in mapping(each.get(field)) for each in resources)


def _is_huge_page(name: str) -> bool:
    return name.startswith("hugepages-")


def _ports(container: JsonObject) -> JsonObject:
    """Return a container's ports as they are on the host's network."""
    if not isinstance(container.get("ports"), list):
        return {}
    number = "containerPort"
    return {
        "ports": _each(
            container["ports"],
            lambda port: port if port.get("hostPort") else {**port, "hostPort": port.get(number)},
        )
    }


def _as_sent(found: JsonObject, spec: JsonObject) -> JsonObject:
    """Take from a live Pod's selectors what was made of the keys beside them."""
    new = dict(found)
    name = "topologySpreadConstraints"
    if name in new:
        new[name] = _terms(new[name], spec.get(name), ())
    affinity = new.get("affinity")
    if isinstance(affinity, dict):
        given = mapping(spec.get("affinity"))
        new["affinity"] = {
            kind: {
                when: _terms(
                    terms,
                    mapping(given.get(kind)).get(when),
                    ("podAffinityTerm",) if when.startswith("preferred") else (),
                )
                for when, terms in rules.items()
            }
            if kind != "nodeAffinity" and isinstance(rules, dict)
            else rules
            for kind, rules in affinity.items()
        }
    return new


def _terms(found: Json, given: Json, inside: tuple[str, ...]) -> Json:
    if not isinstance(found, list):
        return found
    given = given if isinstance(given, list) and len(given) == len(found) else []
    return [_term(term, wanted, inside) for term, wanted in zip_longest(found, given)]


def _term(found: Json, given: Json, inside: tuple[str, ...]) -> Json:
    """Leave out of a term's selector what Git's has not and is of a key that the term names."""
    if not isinstance(found, dict):
        return found
    if inside:
        name = inside[0]
        return {**found, name: _term(found.get(name), mapping(given).get(name), inside[1:])}
    selector = found.get("labelSelector")
    if not isinstance(selector, dict) or not any(found.get(name) for name, _ in _KEYS):
        return found
    sent = objects(mapping(mapping(given).get("labelSelector")).get("matchExpressions"))
    rest = [
        each
        for each in objects(selector.get("matchExpressions"))
        if each in sent or not _is_looked_up(each, found)
    ]
    kept = {key: value for key, value in selector.items() if key != "matchExpressions"}
    return {**found, "labelSelector": {**kept, "matchExpressions": rest} if rest else kept}


def _is_looked_up(expression: JsonObject, term: JsonObject) -> bool:
    values = expression.get("values")
    return any(
        expression.get("operator") == operator
        and expression.get("key") in _strings(term.get(name))
        and isinstance(values, list)
        and len(values) == 1
        for name, operator in _KEYS
    )


def _strings(value: Json) -> list[Json]:
    return value if isinstance(value, list) else []


def _each(value: Json, change: Callable[[JsonObject], JsonObject]) -> Json:
    if not isinstance(value, list):
        return value
    return [change(item) if isinstance(item, dict) else item for item in value]


def in_service_account(desired: JsonObject, live: JsonObject) -> None:
    """Keep of a reference to a Secret its name alone.

    Source: ``cleanSecretReferences`` in ``pkg/registry/core/serviceaccount/strategy.go``.
    """
    found = objects(live.get("secrets"))
    if "secrets" in desired:
        desired["secrets"] = _each(
            desired["secrets"],
            lambda one: one if one in found or "name" not in one else {"name": one["name"]},
        )


def in_claim(desired: JsonObject, live: JsonObject) -> None:
    """Drop a source of data that the API server does not know, unless the claim has it.

    Source: ``EnforceDataSourceBackwardsCompatibility`` in ``pkg/api/persistentvolumeclaim``.
    """
    spec = mapping(desired.get("spec"))
    source = spec.get("dataSource")
    is_kept = mapping(live.get("spec")).get("dataSource") is not None
    if not isinstance(source, dict) or spec.get("dataSourceRef") is not None or is_kept:
        return
    if (source.get("apiGroup") or "", source.get("kind")) not in _DATA_SOURCES:
        desired["spec"] = {key: value for key, value in spec.items() if key != "dataSource"}
