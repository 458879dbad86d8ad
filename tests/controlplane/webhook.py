"""Webhooks on loopback, as a cluster's operators run them: for admission, and for conversion.

with Webhook("stamp.example.com", lambda asked: [{"op": "add", ...}]) as hook:
    plane.kubectl("apply", "-f", "-", stdin=json.dumps(hook.configuration("pods", "shop")))
"""

from __future__ import annotations

import base64
import json
import tempfile
import threading
from abc import ABC, abstractmethod
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
# Takes an object and the apiVersion that is asked for; returns the object in that version.
Convert: TypeAlias = "Callable[[dict[str, Any], str], dict[str, Any]]"


class Reviewer(ABC):
    """Answers reviews over HTTPS while the block runs."""

    def __init__(self) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="webhook-")
        self._authority = Authority(Path(self._folder.name))
        self._port = Port()
        self._listener: ThreadingHTTPServer | None = None

    @abstractmethod
    def answer(self, asked: dict[str, Any]) -> dict[str, Any]:
        """Return the response to a review's request."""

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

    @property
    def client_config(self) -> dict[str, str]:
        """Where the API server finds it, and by which authority it knows it."""
        authority = base64.b64encode(self._authority.ca_file.read_bytes()).decode()
        return {"url": f"https://{LOOPBACK}:{self._port.number}/", "caBundle": authority}

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        reviewer = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                length = int(self.headers["Content-Length"])
                review = json.loads(self.rfile.read(length))
                asked = review["request"]
                response = {"uid": asked["uid"], **reviewer.answer(asked)}
                said = {name: review[name] for name in ("apiVersion", "kind")}
                body = json.dumps({**said, "response": response}).encode()
                self.send_response(200)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: Any) -> None:
                pass

        return Handler


class Converter(Reviewer):
    """Answers ConversionReviews (apiextensions.k8s.io/v1)."""

    def __init__(self, convert: Convert) -> None:
        super().__init__()
        self._convert = convert

    def answer(self, asked: dict[str, Any]) -> dict[str, Any]:
        version = asked["desiredAPIVersion"]
        made = [
            {**self._convert(item, version), "apiVersion": version} for item in asked["objects"]
        ]
        return {"convertedObjects": made, "result": {"status": "Success"}}

    @property
    def conversion(self) -> dict[str, Any]:
        """What a definition says of it."""
        webhook = {"clientConfig": self.client_config, "conversionReviewVersions": ["v1"]}
        return {"strategy": "Webhook", "webhook": webhook}


class Webhook(Reviewer):
    """Answers AdmissionReviews (admission.k8s.io/v1)."""

    def __init__(self, name: str, decide: Decide) -> None:
        super().__init__()
        self.name = name
        self.decide = decide

    def answer(self, asked: dict[str, Any]) -> dict[str, Any]:
        decided = self.decide(asked)
        if isinstance(decided, str):
            return {"allowed": False, "status": {"message": decided}}
        if not decided:
            return {"allowed": True}
        patch = base64.b64encode(json.dumps(decided).encode()).decode()
        return {"allowed": True, "patchType": "JSONPatch", "patch": patch}

    def configuration(
        self, resource: str, namespace: str, *, mutating: bool = True, group: str = "apps"
    ) -> dict[str, Any]:
        """What registers it for writes of a resource in a namespace; it fails closed."""
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
                    "clientConfig": self.client_config,
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
