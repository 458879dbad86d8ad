"""The command lines of the control plane's programs."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from .ports import LOOPBACK

if TYPE_CHECKING:
    from pathlib import Path

    from .ports import Port

# What the audit log says of a request: who, what and when; not the bodies.
AUDIT_POLICY = {
    "apiVersion": "audit.k8s.io/v1",
    "kind": "Policy",
    "omitStages": ["RequestReceived"],
    "rules": [{"level": "Metadata"}],
}


def etcd(data: Path, client: Port, peer: Port) -> list[str]:
    """One member, which need not survive a power cut."""
    return [
        f"--data-dir={data}",
        "--name=test",
        f"--initial-cluster=test=http://{peer}",
        f"--listen-client-urls=http://{client}",
        f"--advertise-client-urls=http://{client}",
        f"--listen-peer-urls=http://{peer}",
        f"--initial-advertise-peer-urls=http://{peer}",
        "--unsafe-no-fsync",
        "--log-level=warn",
    ]


def apiserver(etcd: Port, own: Port) -> list[str]:
    return [
        f"--etcd-servers=http://{etcd}",
        f"--secure-port={own.number}",
        f"--bind-address={LOOPBACK}",
        f"--advertise-address={LOOPBACK}",
        # Others refuse to publish a loopback address as the Service "kubernetes".
        "--endpoint-reconciler-type=none",
        "--service-cluster-ip-range=10.96.0.0/16",
        "--service-account-issuer=https://kubernetes.default.svc",
        "--authorization-mode=RBAC",
    ]


def files(certificate: Path, tokens: Path, service_account_key: Path) -> list[str]:
    """What the API server presents, whom it knows, and what it signs tokens with."""
    return [
        f"--tls-cert-file={certificate}",
        f"--tls-private-key-file={certificate}",
        f"--token-auth-file={tokens}",
        f"--service-account-key-file={service_account_key}",
        f"--service-account-signing-key-file={service_account_key}",
    ]


def audit(log: Path) -> list[str]:
    """Have each request written down; the policy is put beside the log."""
    policy = log.with_name("audit-policy.json")
    policy.write_text(json.dumps(AUDIT_POLICY))
    return [f"--audit-policy-file={policy}", f"--audit-log-path={log}"]


def controller_manager(kubeconfig: Path, ca_file: Path, service_account_key: Path) -> list[str]:
    return [
        f"--kubeconfig={kubeconfig}",
        f"--service-account-private-key-file={service_account_key}",
        f"--root-ca-file={ca_file}",
        "--use-service-account-credentials=true",
        "--leader-elect=false",
        "--secure-port=0",
        # It starts its controllers one by one, with a token for each: 5 s with the default limits.
        "--kube-api-qps=1000",
        "--kube-api-burst=1000",
    ]
