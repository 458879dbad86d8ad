"""Real charts and manifests of well-known projects, pinned and checked.

    folder = real_input("podinfo")                      # its repository, read-only
    INPUTS["podinfo"].charts["podinfo"]                 # "charts/podinfo", a path in it
    INPUTS["podinfo"].kustomizations["production"]      # "deploy/overlays/production"

They come as Go modules, see ``go.mod``; ``go`` fetches a module once and keeps it in its own cache.
``python -m inputs NAME ...`` fetches them ahead of time.
"""

from __future__ import annotations

import functools
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from controlplane.gomodule import downloaded

HERE = Path(__file__).parent
Paths = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Input:
    """A repository and what in it was seen to render on its own; all paths are relative to it.

    ``plain`` are files of manifests. ``broken`` are real cases of what must be refused, by what is
    wrong with them.
    """

    module: str
    charts: Paths = field(default_factory=dict)
    kustomizations: Paths = field(default_factory=dict)
    plain: Paths = field(default_factory=dict)
    broken: Paths = field(default_factory=dict)


INPUTS: Mapping[str, Input] = {
    "podinfo": Input(
        "github.com/stefanprodan/podinfo",
        charts={"podinfo": "charts/podinfo"},
        kustomizations={
            "podinfo": "kustomize",
            "dev": "deploy/overlays/dev",
            "staging": "deploy/overlays/staging",
            "production": "deploy/overlays/production",
            "backend": "deploy/bases/backend",
            "cache": "deploy/bases/cache",
            "frontend": "deploy/bases/frontend",
        },
    ),
    "metrics-server": Input(
        "sigs.k8s.io/metrics-server",
        charts={"metrics-server": "charts/metrics-server"},
        kustomizations={
            "base": "manifests/base",
            "release": "manifests/overlays/release",
            "release-ha": "manifests/overlays/release-ha",
        },
    ),
    "ingress-nginx": Input(
        "k8s.io/ingress-nginx",
        charts={"ingress-nginx": "charts/ingress-nginx"},
        kustomizations={
            "aws": "deploy/static/provider/aws",
            "baremetal": "deploy/static/provider/baremetal",
            "cloud": "deploy/static/provider/cloud",
            "kind": "deploy/static/provider/kind",
            "grafana": "deploy/grafana",
            "prometheus": "deploy/prometheus",
        },
        # Names a file that only a release script makes.
        broken={"missing-file": "hack/manifest-templates/provider/cloud"},
    ),
    "cert-manager": Input(
        "github.com/cert-manager/cert-manager",
        charts={"cert-manager": "deploy/charts/cert-manager"},
    ),
    "istio": Input(
        "istio.io/istio",
        charts={
            "base": "manifests/charts/base",
            "istiod": "manifests/charts/istio-control/istio-discovery",
            "cni": "manifests/charts/istio-cni",
            "gateway": "manifests/charts/gateway",
            "ztunnel": "manifests/charts/ztunnel",
        },
        broken={"missing-dependencies": "manifests/sample-charts/ambient"},
    ),
    "cilium": Input(
        "github.com/cilium/cilium",
        charts={"cilium": "install/kubernetes/cilium"},
        kustomizations={"local-redirect": "examples/kubernetes-local-redirect"},
    ),
    "gatekeeper": Input(
        "github.com/open-policy-agent/gatekeeper/v3",
        charts={"gatekeeper": "charts/gatekeeper"},
        kustomizations={"default": "config/default", "crd": "config/crd"},
    ),
    "cluster-api": Input(
        "sigs.k8s.io/cluster-api",
        kustomizations={
            "core": "core/config/default",
            "core-crd": "core/config/crd",
            "bootstrap": "bootstrap/kubeadm/config/default",
            "control-plane": "controlplane/kubeadm/config/default",
        },
        # Names a file above its own folder, and needs Helm.
        broken={
            "outside-root": "hack/observability/loki",
            "needs-helm": "hack/observability/grafana/chart",
        },
    ),
    "metallb": Input(
        "go.universe.tf/metallb",
        charts={"metallb": "charts/metallb"},
        kustomizations={
            "native": "config/native",
            "frr": "config/frr",
            "prometheus-native": "config/prometheus-native",
        },
        broken={"remote-base": "config/frr-k8s"},
    ),
    "flux2": Input(
        "github.com/fluxcd/flux2",
        kustomizations={
            "kube-prometheus-stack": "manifests/monitoring/kube-prometheus-stack",
            "policies": "manifests/policies",
            "rbac": "manifests/rbac",
            "registry-credentials-sync": "manifests/integrations/registry-credentials-sync/aws",
        },
        broken={"remote-base": "manifests/install"},
    ),
    "argo-cd": Input(
        "github.com/argoproj/argo-cd/v3",
        kustomizations={
            "cluster-install": "manifests/cluster-install",
            "core-install": "manifests/core-install",
            "crds": "manifests/crds",
            "ha": "manifests/ha/cluster-install",
            "namespace-install": "manifests/namespace-install",
        },
        plain={"install": "manifests/install.yaml"},
    ),
    "prometheus-operator": Input(
        "github.com/prometheus-operator/prometheus-operator",
        kustomizations={"prometheus-operator": "."},
        plain={"bundle": "bundle.yaml"},
    ),
    "kyverno": Input(
        "github.com/kyverno/kyverno",
        charts={"kyverno-policies": "charts/kyverno-policies"},
        broken={"missing-dependencies": "charts/kyverno"},
    ),
}
# What `make test` uses; the others are fetched when a test asks for them.
NEEDED = ("podinfo", "metrics-server", "ingress-nginx", "cert-manager", "kyverno")


@functools.cache
def real_input(name: str) -> Path:
    """The folder of an input's repository, fetched if need be; it must not be written to.

    A download whose checksum is not the one in ``go.sum`` is a GoError.
    """
    return downloaded(HERE, INPUTS[name].module)


def corpus() -> Path | None:
    """The folder of more inputs that LEADSMAN_CORPUS names, or None where it is not set."""
    value = os.environ.get("LEADSMAN_CORPUS", "")
    if not value:
        return None
    if not Path(value).is_dir():
        raise FileNotFoundError(f"LEADSMAN_CORPUS is {value}, which is no folder")
    return Path(value)
