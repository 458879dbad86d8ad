"""Many targets with objects like those that teams run: all made from a number, none random."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import yaml

if TYPE_CHECKING:
    from collections.abc import Iterator

    from controlplane.gitserver import GitServer
    from controlplane.plane import ControlPlane

REPOSITORY = "fleet"
# Of every five objects one is of each of these kinds.
KINDS = ("Deployment", "Service", "ConfigMap", "ServiceAccount", "NetworkPolicy")


@dataclass(frozen=True, slots=True)
class Fleet:
    """``objects`` objects in ``targets`` targets, each a folder of one repository."""

    targets: int
    objects: int

    @property
    def per_target(self) -> int:
        """How many objects each target renders."""
        return self.objects // self.targets

    def namespace(self, target: int) -> str:
        """The namespace that a target's objects and its DriftCheck are in."""
        return f"bench-{target:03d}"

    def files(self) -> dict[str, str]:
        """The repository's files: one manifest per object."""
        return {
            f"{self.namespace(target)}/{index:05d}.yaml": yaml.safe_dump(body)
            for target in range(self.targets)
            for index, body in enumerate(self.manifests())
        }

    def manifests(self) -> Iterator[dict[str, Any]]:
        """The objects of one target: the same in each, in namespaces of their own."""
        for index in range(self.per_target):
            yield manifest(KINDS[index % len(KINDS)], f"web-{index // len(KINDS):04d}")

    def checks(self, url: str, interval: str) -> str:
        """The DriftChecks, as YAML."""
        return yaml.safe_dump_all(
            {
                "apiVersion": "leadsman.dev/v1alpha1",
                "kind": "DriftCheck",
                "metadata": {"name": "fleet", "namespace": self.namespace(target)},
                "spec": {
                    "url": url,
                    "ref": {"branch": "main"},
                    "interval": interval,
                    "path": self.namespace(target),
                },
            }
            for target in range(self.targets)
        )

    def deliver(self, plane: ControlPlane, git: GitServer) -> str:
        """Put everything into Git and into the cluster; return the repository's URL."""
        repository = git.create(REPOSITORY, self.files())
        for target in range(self.targets):
            namespace = self.namespace(target)
            plane.kubectl("create", "namespace", namespace)
            plane.kubectl(
                "apply",
                "--server-side",
                "--namespace",
                namespace,
                "--filename=-",
                stdin=self.stream(),
            )
        return git.url(repository.name.removesuffix(".git"))

    def stream(self) -> str:
        """One target's objects as a stream of YAML documents."""
        return yaml.safe_dump_all(self.manifests())


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
