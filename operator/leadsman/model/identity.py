"""Names of things: kinds, objects, targets."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

# Kinds that were served by other groups before the one that counts, or still are: the same objects.
# Source: ``APILifecycleReplacement`` in k8s.io/api's ``zz_generated.prerelease-lifecycle.go``, the
# cohabitating resources in Kubernetes' ``pkg/kubeapiserver/default_storage_factory_builder.go``,
# and OpenShift's groups that took over from its group without a name.
_MOVED: Final[Mapping[tuple[str, str], str]] = {
    ("events.k8s.io", "Event"): "",
    ("extensions", "DaemonSet"): "apps",
    ("extensions", "Deployment"): "apps",
    ("extensions", "HorizontalPodAutoscaler"): "autoscaling",
    ("extensions", "Ingress"): "networking.k8s.io",
    ("extensions", "Job"): "batch",
    ("extensions", "NetworkPolicy"): "networking.k8s.io",
    ("extensions", "PodSecurityPolicy"): "policy",
    ("extensions", "ReplicaSet"): "apps",
    ("", "BuildConfig"): "build.openshift.io",
    ("", "DeploymentConfig"): "apps.openshift.io",
    ("", "ImageStream"): "image.openshift.io",
    ("", "Route"): "route.openshift.io",
    ("", "SecurityContextConstraints"): "security.openshift.io",
    ("", "Template"): "template.openshift.io",
}


def home_group(group: str, kind: str) -> str:
    """Return the group under which a kind's objects are known, whichever it is read from."""
    return _MOVED.get((group, kind), group)


def sharing_groups(group: str, kind: str) -> tuple[str, ...]:
    """Return every group that may serve the same objects, the one asked about first."""
    home = home_group(group, kind)
    others = [old for (old, moved), new in _MOVED.items() if moved == kind and new == home]
    return tuple(dict.fromkeys((group, home, *others)))


@dataclass(frozen=True, slots=True, order=True)
class Gvk:
    """A group, version and kind; the core group is ``""``."""

    group: str
    version: str
    kind: str

    @classmethod
    def parse(cls, api_version: str, kind: str) -> Gvk:
        """Read ``apps/v1`` or ``v1`` as written in a manifest."""
        return _parse(api_version, kind)

    @property
    def api_version(self) -> str:
        """The form a manifest writes: ``apps/v1``, or ``v1`` for the core group."""
        return f"{self.group}/{self.version}" if self.group else self.version

    def __str__(self) -> str:
        return f"{self.api_version} {self.kind}"


@lru_cache(maxsize=4096)
def _parse(api_version: str, kind: str) -> Gvk:
    """Return one and the same value for all objects of a kind."""
    group, _, version = api_version.rpartition("/")
    return Gvk(group, version, kind)


@dataclass(frozen=True, slots=True, order=True)
class ObjectKey:
    """An object's identity across versions; ``namespace`` is ``""`` for cluster-scoped kinds.

    ``group`` is the one under which the kind is known, see ``of``.
    """

    group: str
    kind: str
    namespace: str
    name: str

    @classmethod
    def of(cls, group: str, kind: str, namespace: str, name: str) -> ObjectKey:
        """Name an object that is written or read in any group that serves it."""
        return cls(home_group(group, kind), kind, namespace, name)

    def __str__(self) -> str:
        kind = f"{self.kind}.{self.group}" if self.group else self.kind
        return f"{kind} {self.namespace}/{self.name}" if self.namespace else f"{kind} {self.name}"


@dataclass(frozen=True, slots=True, order=True)
class TargetKey:
    """A target's identity: the custom resource that asks for it."""

    kind: str
    namespace: str
    name: str

    def __str__(self) -> str:
        return f"{self.kind} {self.namespace}/{self.name}"
