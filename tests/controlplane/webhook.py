"""An admission webhook on loopback, as a cluster's operators run them.

with Webhook("stamp.example.com", lambda asked: [{"op": "add", ...}]) as hook:
    plane.kubectl("apply", "-f", "-", stdin=json.dumps(hook.configuration("pods", "shop")))
"""

from __future__ import annotations

import base64
import json
import tempfile
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

from .ports import LOOPBACK, Port
from .tls import Authority

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Self

# Takes the AdmissionReview's request; returns a JSON patch (RFC 6902), or why it is denied.
Decide: TypeAlias = "Callable[[dict[str, Any]], list[dict[str, Any]] | str]"


class Webhook:
    """Answers AdmissionReviews (admission.k8s.io/v1) over HTTPS."""

    def __init__(self, name: str, decide: Decide) -> None:
        self.name = name
        self.decide = decide
        self._folder = tempfile.TemporaryDirectory(prefix="webhook-")
        self._authority = Authority(Path(self._folder.name))
        self._port = Port()
        self._listener: ThreadingHTTPServer | None = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()
        self._port.release()
        self._folder.cleanup()

    def start(self) -> None:
        """Answer, at the same port each time."""
        listener = ThreadingHTTPServer((LOOPBACK, self._port.number), self._handler())
        context = self._authority.server_context()
        listener.socket = context.wrap_socket(listener.socket, server_side=True)
        threading.Thread(target=listener.serve_forever, args=(0.05,), daemon=True).start()
        self._listener = listener

    def stop(self) -> None:
        """Refuse connections from now on."""
        if self._listener is not None:
            self._listener.shutdown()
            self._listener.server_close()
            self._listener = None

    def configuration(
        self, resource: str, namespace: str, *, mutating: bool = True, group: str = "apps"
    ) -> dict[str, Any]:
        """What registers it for writes of a resource in a namespace; it fails closed."""
        authority = base64.b64encode(self._authority.ca_file.read_bytes()).decode()
        return {
            "apiVersion": "admissionregistration.k8s.io/v1",
            "kind": f"{'Mutating' if mutating else 'Validating'}WebhookConfiguration",
            "metadata": {"name": self.name},
            "webhooks": [
                {
                    "name": self.name,
                    "admissionReviewVersions": ["v1"],
                    "sideEffects": "None",
                    "failurePolicy": "Fail",
                    "timeoutSeconds": 5,
                    "clientConfig": {
                        "url": f"https://{LOOPBACK}:{self._port.number}/",
                        "caBundle": authority,
                    },
                    "namespaceSelector": {
                        "matchLabels": {"kubernetes.io/metadata.name": namespace}
                    },
                    "rules": [
                        {
                            "apiGroups": [group],
                            "apiVersions": ["v1"],
                            "resources": [resource],
                            "operations": ["CREATE", "UPDATE"],
                        }
                    ],
                }
            ],
        }

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        hook = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                length = int(self.headers["Content-Length"])
                asked = json.loads(self.rfile.read(length))["request"]
                decided = hook.decide(asked)
                answer: dict[str, Any] = {"uid": asked["uid"], "allowed": True}
                if isinstance(decided, str):
                    answer |= {"allowed": False, "status": {"message": decided}}
                elif decided:
                    patch = base64.b64encode(json.dumps(decided).encode()).decode()
                    answer |= {"patchType": "JSONPatch", "patch": patch}
                review = {
                    "apiVersion": "admission.k8s.io/v1",
                    "kind": "AdmissionReview",
                    "response": answer,
                }
                body = json.dumps(review).encode()
                self.send_response(200)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: Any) -> None:
                pass

        return Handler
