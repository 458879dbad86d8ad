"""What can be set, with its defaults: one value, made by the command line."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path


class Mode(StrEnum):
    """What may be asked of a cluster: to be read, or its own verdict by dry runs, too."""

    READ_ONLY = "ReadOnly"
    DRY_RUN = "DryRun"


@dataclass(frozen=True, slots=True)
class Settings:
    """All settings of the operator and of ``leadsman check``.

    ``kubeconfig`` and ``context`` empty: as kubectl finds them, or the Pod's own ServiceAccount.
    ``mode`` is what may be asked of the cluster. ``namespaces`` empty: all. ``workers`` targets
    are reconciled at once, ``renders`` programs run at once. ``object_series`` caps the series of
    ``leadsman_object_drifted``. ``bind`` is ``host:port`` of ``/metrics``, ``/healthz`` and
    ``/readyz``. ``hooks_bind`` is that of webhooks, empty where there are none, and
    ``hooks_secrets`` the file with the secrets that they are signed with; ``hooks_peers`` is
    ``host:port`` of all processes that are to learn of one, empty where there is but this;
    several are parted by commas. ``shards`` processes share the targets, ``shard`` is this one's
    index, None where the end of ``pod`` says it. ``leader_elect``: work only while holding a
    Lease, as several shards always do, in ``lease_namespace`` or the own one. Times are seconds.
    """

    kubeconfig: str = ""
    context: str = ""
    service_account: Path = Path("/var/run/secrets/kubernetes.io/serviceaccount")
    mode: Mode = Mode.READ_ONLY
    namespaces: tuple[str, ...] = ()
    cache: Path = Path("/var/cache/leadsman")
    bind: str = "0.0.0.0:8080"
    hooks_bind: str = ""
    hooks_secrets: Path | None = None
    hooks_peers: str = ""
    log_format: str = "json"
    log_level: str = "info"
    identity: str = "leadsman"
    workers: int = 32
    renders: int = 2
    report_period: float = 1.0
    ready_within: float = 60.0
    object_series: int = 5000
    helm: str = "helm"
    kustomize: str = "kustomize"
    git: str = "git"
    allow_unsandboxed: bool = False
    pod: str = ""
    shards: int = 1
    shard: int | None = None
    leader_elect: bool = False
    lease_namespace: str = ""
    lease_duration: int = 15
    renew_deadline: float = 10.0
    retry_period: float = 5.0
