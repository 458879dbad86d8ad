"""A mutating admission webhook that really answers, on loopback.

    with Webhook(plane, "apps/deployments", mutate, namespace): ...

``mutate`` changes the object of a request into what it shall be.
"""

from __future__ import annotations

import json
import threading
from base64 import b64encode
from copy import deepcopy
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any, Self

from controlplane.tls import Authority

if TYPE_CHECKING:
    from collections.abc import Callable

    from controlplane.plane import ControlPlane

KIND = "/apis/admissionregistration.k8s.io/v1/mutatingwebhookconfigurations"


class Webhook:
    """Answers for one resource (``apps/deployments``) in one namespace, while the block runs."""

    def __init__(
        self,
        plane: ControlPlane,
        resource: str,
        mutate: Callable[[dict[str, Any]], None],
        namespace: str,
    ) -> None:
        self._plane = plane
        self._resource = resource
        self._mutate = mutate
        self._namespace = namespace

    def __enter__(self) -> Self:
        self._folder = TemporaryDirectory()
        authority = Authority(Path(self._folder.name))
        mutate = self._mutate

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                length = int(self.headers["Content-Length"])
                request = json.loads(self.rfile.read(length))["request"]
                answer: dict[str, Any] = {"uid": request["uid"], "allowed": True}
                changed = deepcopy(request["object"])
                mutate(changed)
                patch = [{"op": "replace", "path": "", "value": changed}]
                answer["patchType"] = "JSONPatch"
                answer["patch"] = b64encode(json.dumps(patch).encode()).decode()
                review = {"apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview"}
                body = json.dumps(review | {"response": answer}).encode()
                self.send_response(200)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                """Say nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.socket = authority.server_context().wrap_socket(
            self._server.socket, server_side=True
        )
        self._thread = threading.Thread(target=self._server.serve_forever)
        self._thread.start()
        self._plane.api.create(KIND, self._configuration(authority))
        return self

    def __exit__(self, *_: object) -> None:
        self._plane.api.delete(f"{KIND}/{self._namespace}")
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()
        self._folder.cleanup()

    def _configuration(self, authority: Authority) -> dict[str, Any]:
        group, _, resource = self._resource.rpartition("/")
        rule = {
            "apiGroups": [group],
            "apiVersions": ["v1"],
            "operations": ["CREATE", "UPDATE"],
            "resources": [resource],
        }
        return {
            "apiVersion": "admissionregistration.k8s.io/v1",
            "kind": "MutatingWebhookConfiguration",
            "metadata": {"name": self._namespace},
            "webhooks": [
                {
                    "name": "mutate.example.com",
                    "admissionReviewVersions": ["v1"],
                    "sideEffects": "None",
                    "rules": [rule],
                    "namespaceSelector": {
                        "matchLabels": {"kubernetes.io/metadata.name": self._namespace}
                    },
                    "clientConfig": {
                        "url": f"https://127.0.0.1:{self._server.server_port}/",
                        "caBundle": b64encode(authority.ca_file.read_bytes()).decode(),
                    },
                }
            ],
        }
