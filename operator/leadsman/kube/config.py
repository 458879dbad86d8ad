"""Find the cluster: a kubeconfig that is named, else the Pod's own, else the home's."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from leadsman.errors import KubeError
from leadsman.kube.access import Access, AccessProvider, ClusterConfig, FixedAccess
from leadsman.kube.kubeconfig import from_kubeconfig
from leadsman.kube.serviceaccount import DIRECTORY, in_cluster

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

__all__ = [
    "Access",
    "AccessProvider",
    "ClusterConfig",
    "FixedAccess",
    "from_kubeconfig",
    "in_cluster",
    "load",
]


async def load(
    kubeconfig: str = "",
    context: str = "",
    *,
    service_account: Path = DIRECTORY,
    environ: Mapping[str, str] = os.environ,
) -> ClusterConfig:
    """Return the configuration of the cluster to use.

    The order is: ``kubeconfig``, the variable ``KUBECONFIG``, the Pod's ServiceAccount, then
    ``~/.kube/config``. Who names a ``context`` means a kubeconfig, even within a Pod.

    Raises:
        KubeError: reason ``KubeconfigInvalid``.

    """
    path = kubeconfig or environ.get("KUBECONFIG", "")
    if not path and not context:
        try:
            return in_cluster(service_account, environ)
        except KubeError:
            pass  # not in a cluster: the kubeconfig's error, if any, says more
    return await from_kubeconfig(path, context)
