"""Archives of manifests, served over loopback HTTP as Flux's source-controller serves them."""

from __future__ import annotations

import gzip
import hashlib
import io
import tarfile
import threading
from dataclasses import dataclass
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any, Self

from controlplane.ports import LOOPBACK

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, slots=True)
class Artifact:
    """A ``.tar.gz`` that can be fetched: its URL, its digest as ``sha256:<hex>``, its bytes."""

    url: str
    digest: str
    size: int


class ArtifactServer:
    """Serves what was published, from its making to ``close``."""

    def __init__(self) -> None:
        self._listener = _Listener((LOOPBACK, 0), _Handler)
        self._thread = threading.Thread(
            target=self._listener.serve_forever,
            kwargs={"poll_interval": 0.02},
            name="artifact-server",
        )
        self._thread.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def publish(self, files: Mapping[str, bytes]) -> Artifact:
        """Serve an archive of these files, by their paths."""
        archive = packed(files)
        digest = hashlib.sha256(archive).hexdigest()
        path = f"/{digest}.tar.gz"
        self._listener.archives[path] = archive
        url = f"http://{LOOPBACK}:{self._listener.server_port}{path}"
        return Artifact(url=url, digest=f"sha256:{digest}", size=len(archive))

    def close(self) -> None:
        """Refuse connections from now on."""
        self._listener.shutdown()
        self._thread.join()
        self._listener.server_close()


def packed(files: Mapping[str, bytes]) -> bytes:
    """A ``.tar.gz`` of files; the same files make the same bytes."""
    out = io.BytesIO()
    with (
        gzip.GzipFile(fileobj=out, mode="wb", mtime=0) as compressed,
        tarfile.open(fileobj=compressed, mode="w") as archive,
    ):
        for path in sorted(files):
            entry = tarfile.TarInfo(path)
            entry.size = len(files[path])
            archive.addfile(entry, io.BytesIO(files[path]))
    return out.getvalue()


class _Listener(ThreadingHTTPServer):
    daemon_threads = False

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self.archives: dict[str, bytes] = {}


class _Handler(BaseHTTPRequestHandler):
    server: _Listener

    def do_GET(self) -> None:
        archive = self.server.archives.get(self.path)
        if archive is None:
            self.send_error(HTTPStatus.NOT_FOUND)
            return
        self.send_response(HTTPStatus.OK)
        self.send_header("Content-Type", "application/gzip")
        self.send_header("Content-Length", str(len(archive)))
        self.end_headers()
        self.wfile.write(archive)

    def log_message(self, *_: object) -> None:
        """Say nothing; the controller says what it could not fetch."""
