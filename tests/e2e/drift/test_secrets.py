"""That a Secret was changed is told everywhere; what it holds, nowhere."""

from __future__ import annotations

import base64
import json
import secrets
from typing import TYPE_CHECKING

import yaml

from harness.waiting import until

if TYPE_CHECKING:
    from collections.abc import Callable

    from e2e.drift.command import Leadsman
    from e2e.drift.conftest import Shop

SECRET = ("Secret", "database")
KUSTOMIZATION = """\
apiVersion: kustomize.config.k8s.io/v1beta1
kind: Kustomization
resources: [deployment.yaml, service.yaml, secret.yaml]
"""


def test_what_a_secret_holds_is_told_nowhere(
    open_shop: Callable[..., Shop], leadsman: Leadsman, namespace: str
) -> None:
    before, after, added = (secrets.token_hex(12) for _ in range(3))
    secret = {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": "database"},
        "stringData": {"password": before, "user": "shop"},
    }
    files = {"secret.yaml": yaml.safe_dump(secret), "kustomization.yaml": KUSTOMIZATION}
    shop = open_shop(namespace, files)

    data = json.dumps({"stringData": {"password": after, "token": added}})
    shop.kubectl("patch", "secret/database", "--type=merge", "-p", data)
    report = shop.check.wait_verdict("Drifted")
    changes = report.changes(*SECRET)
    assert set(changes) == {"/data/password", "/data/token"}
    password, token = changes["/data/password"], changes["/data/token"]
    assert (password["desired"], password["live"]) == ("*** (before)", "*** (after)")
    assert password["manager"] == token["manager"] == "kubectl-patch"
    assert token["op"] == "add"
    assert "desired" not in token

    # They are written after the report.
    until(lambda: shop.check.events("DriftDetected"), "an Event")
    told = {
        "report": json.dumps(report.body),
        "Events": json.dumps(shop.check.events()),
        "log": "\n".join(shop.check.operator.lines()),
        "metrics": shop.check.operator.metrics_text(),
    } | {
        f"check -o {style}": leadsman.check("--all", "-n", namespace, "-v", "-o", style).everything
        for style in ("table", "json")
    }
    assert [where for where, text in told.items() if "database" not in text] == []
    for value in (before, after, added):
        for form in (value, base64.b64encode(value.encode()).decode()):
            assert [where for where, text in told.items() if form in text] == []
