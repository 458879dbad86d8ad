"""Who is trusted to set what: names of field managers, and the fields they are known for.

A manager's name is what the client says of itself, or else the first word of its user agent.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from enum import Enum
from functools import lru_cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from leadsman.compare.owners.ownership import Entry
    from leadsman.model.identity import Gvk
    from leadsman.model.json import Json, JsonObject


class Standing(Enum):
    """What it means that a manager owns a field that Git does not specify."""

    DELIVERED = "delivered"  # delivery applied it, so Git once had it
    TRUSTED = "trusted"
    FOREIGN = "foreign"
    UNKNOWN = "unknown"  # the API server has forgotten who it was

    # There is one of each; by name, as enumerations do it, costs a call for each set.
    __hash__ = object.__hash__


# The field managers of each tool that delivers from Git.
HELM = frozenset({"helm", "helm-controller"})
ARGO_CD = frozenset({"argocd-controller", "argocd-application-controller"})
FLUX = frozenset({"kustomize-controller"})
_CLIENT_SIDE = "kubectl-client-side-apply"
# What one of them applies server-side was in the manifest; what it owns by an update may as well be
# a default that came with it.
_DELIVERY = HELM | ARGO_CD | FLUX | {_CLIENT_SIDE}
# `kubectl apply --server-side` says only this, and so does `kubectl scale` with its update; Flux's
# command line, which installs by applying, suspends and asks for a reconciliation by an update.
_KUBECTL, _FLUX = "kubectl", "flux"
_DELIVERY_BY_APPLY = _DELIVERY | {_KUBECTL, _FLUX}
# Who delivers where no tool does; where one does, a person.
_BY_HAND = frozenset({_KUBECTL, _CLIENT_SIDE})

# Entries of many managers merged into one, or made up for an object that had none.
_FORGOTTEN = frozenset({"ancient-changes", "before-first-apply"})

# Tools in people's hands: as foreign as what is unknown, and not even trusted with bookkeeping.
_PEOPLE = re.compile(
    r"kubectl(-.*)?|oc(-.*)?|k9s|k8s-?lens|(open|free)?lens.*|node-fetch|mozilla|headlamp.*"
    r"|(kubernetes-)?dashboard.*|octant|curl|wget|postmanruntime|python.*|openapi-generator",
    re.IGNORECASE,
)

_CA_BUNDLE = (
    r"\.webhooks\[.*\]\.clientConfig\.caBundle"
    r"|\.spec\.conversion\.webhook\.clientConfig\.caBundle|\.spec\.caBundle"
)

# What every controller writes on objects that it has to do with.
_BOOKKEEPING = re.compile(rf"\.metadata\.(finalizers|ownerReferences)\b.*|{_CA_BUNDLE}", re.DOTALL)

# What controllers add that are there in every cluster.
_USUAL = re.compile(
    _BOOKKEEPING.pattern
    + r"|\.metadata\.annotations\.(deployment|pv|volume|volume\.beta|storage)\.kubernetes\.io/.*"
    r"|\.metadata\.annotations\.(node\.alpha|volumes)\.kubernetes\.io/.*"
    r"|\.metadata\.annotations\.control-plane\.alpha\.kubernetes\.io/.*"
    r"|\.spec\.(volumeName|claimRef)\b.*",
    re.DOTALL,
)

# What delivery tools add to what they render, or deliver only until somebody injects another.
_DELIVERY_MARKS = re.compile(
    _CA_BUNDLE + "|"
    r"\.metadata\.labels\.(app\.kubernetes\.io/(managed-by|instance)"
    r"|(kustomize|helm)\.toolkit\.fluxcd\.io/(name|namespace)|argocd\.argoproj\.io/instance)"
    r"|\.metadata\.annotations\.(meta\.helm\.sh/release-(name|namespace)"
    r"|argocd\.argoproj\.io/(tracking-id|installation-id)|kustomize\.toolkit\.fluxcd\.io/checksum"
    r"|kubectl\.kubernetes\.io/last-applied.*)"
    r"|\.metadata\.(labels|annotations)\.applyset\.kubernetes\.io/.*",
    re.DOTALL,
)

# Labels that everyone writes, and whose mark each is.
_MARKED_BY = {
    ".metadata.labels.app.kubernetes.io/managed-by": HELM,
    ".metadata.labels.app.kubernetes.io/instance": ARGO_CD,
}


@dataclass(frozen=True, slots=True)
class Controller:
    """Managers, as an anchored expression, and the fields that they may add and may change.

    ``group`` is an expression for the API groups on which that holds, ``subresource`` the one
    through which it must have been done, "" for any.
    """

    manager: re.Pattern[str]
    adds: re.Pattern[str] | None = None
    changes: re.Pattern[str] | None = None
    group: re.Pattern[str] = re.compile(".*")
    subresource: str = ""

    def matches(self, manager: str, subresource: str, group: str) -> bool:
        """Tell whether a manager that wrote so is one of these, on kinds they are known for."""
        return (
            self.manager.fullmatch(manager) is not None
            and self.group.fullmatch(group) is not None
            and self.subresource in {"", subresource}
        )


_ANY = re.compile(".*", re.DOTALL)
_REPLICAS = re.compile(r"\.spec\.replicas")
_INJECTED = re.compile(_CA_BUNDLE, re.DOTALL)
_CORE = (
    "kube-controller-manager|kube-scheduler|kube-apiserver|kubelet|kube-proxy"
    "|cloud-controller-manager|api-priority-and-fairness-config-producer.*"
)

CONTROLLERS = (
    Controller(
        re.compile("kube-controller-manager"),
        changes=re.compile(r"\.metadata\.annotations\.(deployment|pv|volume)\.kubernetes\.io/.*"),
    ),
    Controller(re.compile(_CORE), adds=_ANY),
    # The HorizontalPodAutoscaler's controller, and KEDA's, which scales to zero on its own.
    Controller(re.compile("kube-controller-manager"), changes=_REPLICAS, subresource="scale"),
    Controller(re.compile("keda(-operator)?"), _REPLICAS, _REPLICAS, subresource="scale"),
    # Delivery's own marks, which it writes over whatever the manifest says.
    Controller(
        re.compile("helm|helm-controller"),
        changes=re.compile(r"\.metadata\.labels\.app\.kubernetes\.io/managed-by"),
    ),
    Controller(
        re.compile("argocd-(application-)?controller"),
        changes=re.compile(r"\.metadata\.labels\.app\.kubernetes\.io/instance"),
    ),
    Controller(
        re.compile("(kustomize|helm)-controller"),
        changes=re.compile(
            r"\.metadata\.labels\.(kustomize|helm)\.toolkit\.fluxcd\.io/(name|namespace)"
        ),
    ),
    # The API server registers the versions of CustomResourceDefinitions, and its own, by itself.
    Controller(
        re.compile("kube-apiserver"), changes=_ANY, group=re.compile(r"apiregistration\.k8s\.io")
    ),
    Controller(re.compile("(cert-manager-)?cainjector"), adds=_INJECTED, changes=_INJECTED),
    Controller(
        re.compile("cert-manager-.*"), adds=_ANY, group=re.compile(r"(acme\.)?cert-manager\.io")
    ),
    Controller(
        re.compile("cert-manager-.*"),
        adds=re.compile(r"\.data\..*|\.metadata\.(annotations|labels)\..*cert-manager\.io/.*"),
    ),
    Controller(
        re.compile("cluster-autoscaler"),
        adds=re.compile(r"\.metadata\.annotations\.cluster-autoscaler\.kubernetes\.io/.*"),
    ),
    # Asking for a reconciliation is no change of what is wanted, whoever asks.
    Controller(
        re.compile(".*"),
        adds=re.compile(
            r"\.metadata\.annotations\.(reconcile\.fluxcd\.io/(requestedAt|forceAt|resetAt)"
            r"|argocd\.argoproj\.io/refresh)"
        ),
        group=re.compile(r".*\.fluxcd\.io|argoproj\.io"),
    ),
)


# A cluster has few managers, and each is met on every object that it has written.
@lru_cache(maxsize=4096)
def _controllers(manager: str, subresource: str, group: str) -> tuple[Controller, ...]:
    """Return all that is known of a manager, on a kind's group."""
    return tuple(each for each in CONTROLLERS if each.matches(manager, subresource, group))


@dataclass(frozen=True, slots=True)
class Trust:
    """Who may do what; ``named`` are the managers that a target declares trusted.

    ``delivery`` is the one that delivers the target's objects, "" where it names none. Where a
    ``tool`` is known to deliver an object, kubectl is in a person's hands.
    """

    named: frozenset[str] = frozenset()
    delivery: str = ""
    tool: bool = False

    def facing(self, entries: Iterable[Entry]) -> Trust:
        """Return the trust in the managers of one object, by its entries."""
        return _beside_a_tool(self) if any(map(self._is_tool, entries)) else self

    def _is_tool(self, entry: Entry) -> bool:
        """Tell whether an entry shows that its object is delivered by another than kubectl."""
        manager, is_apply = entry.manager, entry.operation == "Apply"
        if entry.subresource or manager in _BY_HAND:
            return False
        tools = _DELIVERY_BY_APPLY if is_apply else _DELIVERY
        return manager in tools or manager == self.delivery != ""

    def standing(self, entry: Entry, path: str, gvk: Gvk) -> Standing:
        """Judge that an entry owns a field that Git does not specify; paths as ``field_path``'s."""
        manager, is_apply = entry.manager, entry.operation == "Apply"
        if manager in self.named or self._may_add(entry, path, gvk):
            return Standing.TRUSTED
        if is_apply and self.is_by_hand(entry):
            return Standing.FOREIGN
        if self.delivers(entry):
            is_left = is_apply and not self.is_mark(path, manager)
            return Standing.DELIVERED if is_left else Standing.TRUSTED
        if manager in _FORGOTTEN:
            return Standing.UNKNOWN
        is_bookkeeping = _BOOKKEEPING.fullmatch(path) and not _PEOPLE.fullmatch(manager)
        return Standing.TRUSTED if is_bookkeeping else Standing.FOREIGN

    def delivers(self, entry: Entry) -> bool:
        """Tell whether an entry is of a manager that delivers what is in Git."""
        manager = entry.manager
        if self.delivery and manager == self.delivery:
            return True
        return manager in (_DELIVERY_BY_APPLY if entry.operation == "Apply" else _DELIVERY)

    def is_by_hand(self, entry: Entry) -> bool:
        """Tell whether an entry is a person's, who delivers beside the tool that delivers."""
        return self.tool and entry.manager in _BY_HAND and entry.manager != self.delivery

    def deliverer(self, entries: Iterable[Entry]) -> str:
        """Return the manager that delivers an object, "" if none of its managers is known to.

        The one that the target names, or else the one that owns most of the object; one that
        applies goes before one that updates, which may be what delivered before.
        """
        if self.delivery:
            return self.delivery
        entries = tuple(entries)
        trust = self.facing(entries)
        known = [
            (entry.operation == "Apply", _leaves(entry.fields), entry.manager)
            for entry in entries
            if not entry.subresource and trust.delivers(entry) and not trust.is_by_hand(entry)
        ]
        return max(known)[2] if known else ""

    def _may_add(self, entry: Entry, path: str, gvk: Gvk) -> bool:
        return any(
            controller.adds is not None and controller.adds.fullmatch(path)
            for controller in _controllers(entry.manager, entry.subresource, gvk.group)
        )

    def may_change(self, entry: Entry, path: str, gvk: Gvk) -> bool:
        """Tell whether an entry's manager is known to set a field whatever Git specifies."""
        return any(
            controller.changes is not None and controller.changes.fullmatch(path)
            for controller in _controllers(entry.manager, entry.subresource, gvk.group)
        )

    def is_known(self, entry: Entry, gvk: Gvk) -> bool:
        """Tell whether an entry is delivery's, a known controller's or a trusted manager's."""
        return (
            entry.manager in self.named
            or (self.delivers(entry) and not self.is_by_hand(entry))
            or bool(_controllers(entry.manager, entry.subresource, gvk.group))
        )

    def is_mark(self, path: str, manager: str = "") -> bool:
        """Tell whether delivery tools add a field to what they render.

        Of a ``manager``, "" for nobody, what people write as well is a mark only if it is its own.
        """
        if manager and path in _MARKED_BY:
            return manager in _MARKED_BY[path]
        return _DELIVERY_MARKS.fullmatch(path) is not None

    def is_usual(self, path: str) -> bool:
        """Tell whether a field is one that controllers add, where nobody knows who did."""
        return _USUAL.fullmatch(path) is not None


@lru_cache(maxsize=256)
def _beside_a_tool(trust: Trust) -> Trust:
    return replace(trust, tool=True)


def _leaves(fields: JsonObject) -> int:
    """Count the fields of a FieldsV1 document."""
    count = 0
    todo: list[Json] = [fields]
    while todo:
        below = todo.pop()
        if not isinstance(below, dict) or not below:
            count += 1
        else:
            todo += below.values()
    return count
