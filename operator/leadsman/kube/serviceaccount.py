"""Be the Pod's own ServiceAccount."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import TYPE_CHECKING

from leadsman.errors import KubeError
from leadsman.kube.access import Access, ClusterConfig, tls_context

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

DIRECTORY = Path("/var/run/secrets/kubernetes.io/serviceaccount")
# The kubelet writes a new token when the old one has a fifth of its hour left: looking every 10 s
# is early enough by far, and costs two stat calls.
_LOOK_EVERY = 10.0


class ServiceAccountAccess:
    """Reads ``token`` and ``ca.crt`` of a directory again whenever they change."""

    def __init__(self, directory: Path, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._token = directory / "token"
        self._ca = directory / "ca.crt"
        self._clock = clock
        self._looked = 0.0
        self._signature: tuple[tuple[int, int, int], ...] = ()
        self._access: Access | None = None

    async def current(self) -> Access:
        """Return the credentials, read anew if they changed more than 10 seconds ago.

        Raises:
            KubeError: they could never be read.

        """
        if self._access is None or self._clock() - self._looked >= _LOOK_EVERY:
            return self._look()
        return self._access

    async def renew(self, rejected: Access) -> Access:
        """Return what the files hold now if that is not what was rejected."""
        if self._access is not None and self._access != rejected:
            return self._access
        return self._look()

    def _look(self) -> Access:
        # Reads in the event loop on purpose: these are small files in memory.
        self._looked = self._clock()
        try:
            signature = _signature(self._token), _signature(self._ca)
            if self._access is None or signature != self._signature:
                token = self._token.read_text(encoding="ascii").strip()
                self._access = Access(tls_context(self._ca), f"Bearer {token}")
                self._signature = signature
        except (OSError, ValueError) as error:
            # A volume that is being replaced: what was read before is still good for a while.
            if self._access is None:
                raise KubeError(
                    "ServiceAccountUnreadable",
                    f"the ServiceAccount's files in {self._token.parent} cannot be read: {error}",
                ) from error
        return self._access


def in_cluster(
    directory: Path = DIRECTORY, environ: Mapping[str, str] = os.environ
) -> ClusterConfig:
    """Return the configuration of the Pod that this process runs in.

    Source: client-go ``rest.InClusterConfig``.

    Raises:
        KubeError: reason ``NotInCluster``; this is no Pod, or it has no ServiceAccount token.

    """
    host = environ.get("KUBERNETES_SERVICE_HOST", "")
    port = environ.get("KUBERNETES_SERVICE_PORT", "")
    if not host or not port or not (directory / "token").is_file():
        raise KubeError(
            "NotInCluster",
            "this is no Pod with a ServiceAccount token: KUBERNETES_SERVICE_HOST and "
            f"KUBERNETES_SERVICE_PORT must be set and {directory}/token must be there",
            retryable=False,
        )
    try:
        namespace = (directory / "namespace").read_text(encoding="utf-8").strip()
    except OSError:
        namespace = "default"
    return ClusterConfig(
        server=f"https://{f'[{host}]' if ':' in host else host}:{port}",
        access=ServiceAccountAccess(directory),
        namespace=namespace,
        origin=f"the ServiceAccount in {directory}",
    )


def _signature(path: Path) -> tuple[int, int, int]:
    found = path.stat()
    return found.st_mtime_ns, found.st_ino, found.st_size
