"""A way to the API server on which some answers are spoiled."""

from __future__ import annotations

import http.client
import ssl
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from controlplane.plane import ControlPlane

# From the path without its query and the body, which is not compressed, to another body.
Spoil = "Callable[[str, bytes], bytes]"


@contextmanager
def spoiled(plane: ControlPlane, spoil: Callable[[str, bytes], bytes]) -> Iterator[str]:
    """Serve the API over plain HTTP, answers changed; yield the URL. It passes on no watches."""
    context = ssl.create_default_context(cafile=plane.ca_file)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            connection = http.client.HTTPSConnection(plane.host, plane.port, context=context)
            kept = {name: self.headers[name] for name in ("Authorization", "Accept")}
            connection.request("GET", self.path, headers=kept)
            answer = connection.getresponse()
            body = spoil(self.path.partition("?")[0], answer.read())
            self.send_response(answer.status)
            self.send_header("Content-Type", answer.headers["Content-Type"])
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)
            connection.close()

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
