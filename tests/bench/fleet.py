"""Many targets with objects like those that teams run: all made from a number, none random."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import yaml

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

REPOSITORY = "fleet"
# The name of each target's DriftCheck, and so of its DriftReport.
CHECK = "fleet"
BRANCH = "main"
# Each application has one object of each of these kinds, in one file.
KINDS: Final = ("Deployment", "Service", "ConfigMap", "ServiceAccount", "NetworkPolicy")
PLACES: Final[Mapping[str, str]] = {
    "Deployment": "/apis/apps/v1/namespaces/{}/deployments",
    "Service": "/api/v1/namespaces/{}/services",
    "ConfigMap": "/api/v1/namespaces/{}/configmaps",
    "ServiceAccount": "/api/v1/namespaces/{}/serviceaccounts",
    "NetworkPolicy": "/apis/networking.k8s.io/v1/namespaces/{}/networkpolicies",
}
DRIFTCHECKS: Final = "/apis/leadsman.dev/v1alpha1/namespaces/{}/driftchecks"
DRIFTREPORTS: Final = "/apis/leadsman.dev/v1alpha1/namespaces/{}/driftreports"
PER_TARGET: Final = 100


@dataclass(frozen=True, slots=True)
class Fleet:
    """So many targets with as many objects each, each target a folder of one repository."""

    targets: int
    per_target: int = PER_TARGET

    @classmethod
    def of(cls, objects: int) -> Fleet:
        """Return a fleet of so many objects."""
        return cls(max(1, objects // PER_TARGET), min(objects, PER_TARGET))

    @property
    def objects(self) -> int:
        """How many objects all targets have."""
        return self.targets * self.per_target

    @property
    def applications(self) -> int:
        """How many applications each target has."""
        return self.per_target // len(KINDS)

    @property
    def namespaces(self) -> list[str]:
        """The namespaces of all targets."""
        return [self.namespace(target) for target in range(self.targets)]

    @property
    def reports(self) -> list[str]:
        """The keys of all targets' DriftReports: namespace and name."""
        return [f"{namespace}/{CHECK}" for namespace in self.namespaces]

    @staticmethod
    def namespace(target: int) -> str:
        """The namespace that a target's objects and its DriftCheck are in; all are as long."""
        return f"bench-{target:05d}"

    def files(self) -> dict[str, str]:
        """The repository's files: one for each application."""
        texts = {
            application_name(number): application(number) for number in range(self.applications)
        }
        return {
            f"{namespace}/{app}.yaml": text
            for namespace in self.namespaces
            for app, text in texts.items()
        }

    def manifests(self) -> Iterator[dict[str, Any]]:
        """The objects of one target as Git has them: the same in each, without a namespace."""
        for number in range(self.applications):
            yield from (manifest(kind, application_name(number)) for kind in KINDS)

    def stream(self, targets: Iterable[int]) -> str:
        """Return the objects of some targets with their namespaces, as YAML documents."""
        text = dumped(placed(body, "NAMESPACE") for body in self.manifests())
        return "---\n".join(
            text.replace("namespace: NAMESPACE", f"namespace: {self.namespace(target)}")
            for target in targets
        )

    def check(self, target: int, url: str, interval: str) -> dict[str, Any]:
        """Return a target's DriftCheck."""
        namespace = self.namespace(target)
        return driftcheck(CHECK, namespace, url=url, path=namespace, interval=interval)


def driftcheck(check: str, namespace: str, *, url: str, path: str, interval: str) -> dict[str, Any]:
    """Return a DriftCheck of a folder."""
    return {
        "apiVersion": "leadsman.dev/v1alpha1",
        "kind": "DriftCheck",
        "metadata": {"name": check, "namespace": namespace},
        "spec": {"url": url, "ref": {"branch": BRANCH}, "interval": interval, "path": path},
    }


def application_name(number: int) -> str:
    """The name of an application, and of each of its objects."""
    return f"web-{number:04d}"


def application(number: int, **data: str) -> str:
    """Return an application's file; ``data`` is more for its ConfigMap, or other values."""
    bodies = [manifest(kind, application_name(number)) for kind in KINDS]
    bodies[KINDS.index("ConfigMap")]["data"].update(data)
    return dumped(bodies)


def dumped(bodies: Iterable[Mapping[str, Any]]) -> str:
    """Return objects as a stream of YAML documents."""
    return yaml.dump_all(bodies, Dumper=yaml.CSafeDumper)


def placed(body: Mapping[str, Any], namespace: str) -> dict[str, Any]:
    """Return an object with a namespace."""
    return {**body, "metadata": {**body["metadata"], "namespace": namespace}}


def everywhere(kind: str) -> str:
    """Return where the API server lists a kind of all namespaces at once."""
    return PLACES[kind].replace("namespaces/{}/", "")


def path_of(kind: str, namespace: str, name: str) -> str:
    """Return where the API server has an object."""
    return f"{PLACES[kind].format(namespace)}/{name}"


def manifest(kind: str, name: str) -> dict[str, Any]:
    """One object as a team would write it."""
    return {"metadata": {"name": name, "labels": {"app": name}}} | _BODIES[kind](name)


def _deployment(name: str) -> dict[str, Any]:
    container = {
        "name": "web",
        "image": f"registry.example/{name}:1.0.0",
        "ports": [{"name": "http", "containerPort": 8080}],
        "env": [{"name": f"OPTION_{number}", "value": str(number)} for number in range(5)],
        "envFrom": [{"configMapRef": {"name": name}}],
        "resources": {
            "requests": {"cpu": "0.1", "memory": "128Mi"},
            "limits": {"memory": "256Mi"},
        },
        "livenessProbe": {"httpGet": {"path": "/healthz", "port": "http"}},
        "securityContext": {"runAsNonRoot": True, "readOnlyRootFilesystem": True},
        "volumeMounts": [{"name": "tmp", "mountPath": "/tmp"}],  # noqa: S108 - in a manifest
    }
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "spec": {
            # No Pods: what is measured is not the controller manager.
            "replicas": 0,
            "selector": {"matchLabels": {"app": name}},
            "template": {
                "metadata": {"labels": {"app": name}},
                "spec": {
                    "serviceAccountName": name,
                    "containers": [container],
                    "volumes": [{"name": "tmp", "emptyDir": {}}],
                },
            },
        },
    }


def _service(name: str) -> dict[str, Any]:
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "spec": {
            # An address of its own could not be copied, see replay.py.
            "clusterIP": "None",
            "selector": {"app": name},
            "ports": [{"name": "http", "port": 80, "targetPort": "http"}],
        },
    }


def _config_map(name: str) -> dict[str, Any]:
    lines = "\n".join(f"{name}.option.{number}={number}" for number in range(20))
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "data": {"application.properties": lines + "\n", "level": "info"},
    }


def _service_account(_name: str) -> dict[str, Any]:
    return {
        "apiVersion": "v1",
        "kind": "ServiceAccount",
        "automountServiceAccountToken": False,
    }


def _network_policy(name: str) -> dict[str, Any]:
    return {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "NetworkPolicy",
        "spec": {
            "podSelector": {"matchLabels": {"app": name}},
            "policyTypes": ["Ingress"],
            "ingress": [
                {
                    "from": [{"podSelector": {"matchLabels": {"role": "front"}}}],
                    "ports": [{"port": 8080}],
                }
            ],
        },
    }


_BODIES = {
    "Deployment": _deployment,
    "Service": _service,
    "ConfigMap": _config_map,
    "ServiceAccount": _service_account,
    "NetworkPolicy": _network_policy,
}
