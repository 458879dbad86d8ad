"""A real Git server over smart HTTP on loopback, around ``git http-backend``.

    with GitServer(username="ada", password="secret", tls=True) as server:
        shop = server.create("shop", {"app.yaml": "..."})
        git("clone", server.url("shop"))           # with server.ca_file and the credentials
        assert server.packs("shop") == 1           # one fetch, whoever shares it
        with server.unreachable(): ...             # connections are refused
        server.delay = 5                           # seconds before each answer
        server.status = 503                        # answers with that, until it is 0 again

Everything about a repository's content is in ``gitrepo.Repository``.
"""

from __future__ import annotations

import base64
import gzip
import hmac
import shutil
import subprocess
import tempfile
import threading
from contextlib import contextmanager
from dataclasses import dataclass
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from .gitrepo import Files, Repository, git_environment
from .ports import LOOPBACK, Port
from .tls import Authority

if TYPE_CHECKING:
    from collections.abc import Iterator


@dataclass(frozen=True, slots=True)
class Request:
    """A request that was answered.

    ``kind`` is ``refs`` (the GET of ``info/refs``, with which each operation of a client begins),
    ``ls-refs``, ``fetch`` or ``other``. ``pack`` tells whether objects were sent.
    """

    repository: str
    kind: str
    status: int
    pack: bool = False


class GitServer:
    """Serves the bare repositories in ``root``, a temporary folder unless given, for reading.

    With ``username`` and ``password``, or with ``token`` (a bearer token), it answers 401 to
    requests without them; with both kinds either will do. With ``tls`` it is an HTTPS server whose
    certificate was signed by the authority in ``ca_file``.
    """

    def __init__(
        self,
        root: Path | None = None,
        *,
        username: str = "",
        password: str = "",
        token: str = "",
        tls: bool = False,
    ) -> None:
        self._temporary = Path(tempfile.mkdtemp(prefix="git-server-"))
        self.root = root or self._temporary / "repositories"
        self.username, self.password, self.token = username, password, token
        self.delay = 0.0
        self.status = 0
        self.requests: list[Request] = []
        self.asked = threading.Event()  # set when a request arrives, before its delay
        self.stopping = threading.Event()
        self._authority = Authority(self._temporary) if tls else None
        self._port = Port()
        self._listener: _Listener | None = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def start(self) -> None:
        """Listen, at the same port each time."""
        self.stopping.clear()
        self._listener = _Listener(self, self._port.number)
        if self._authority:
            self._listener.socket = self._authority.server_context().wrap_socket(
                self._listener.socket, server_side=True, do_handshake_on_connect=False
            )
        self._listener.start()

    def stop(self) -> None:
        """Refuse connections from now on; what was being answered, or delayed, ends."""
        self.stopping.set()
        if self._listener:
            self._listener.stop()
            self._listener = None

    def close(self) -> None:
        """Stop for good and remove what is temporary."""
        self.stop()
        self._port.release()
        shutil.rmtree(self._temporary, ignore_errors=True)

    @contextmanager
    def unreachable(self) -> Iterator[None]:
        """Refuse connections while the block runs."""
        self.stop()
        try:
            yield
        finally:
            self.start()

    @property
    def ca_file(self) -> Path:
        if self._authority is None:
            raise ValueError("this server does not speak TLS")
        return self._authority.ca_file

    @property
    def base_url(self) -> str:
        return f"{'https' if self._authority else 'http'}://{LOOPBACK}:{self._port.number}"

    def url(self, name: str) -> str:
        """The URL to clone a repository from."""
        return f"{self.base_url}/{name}.git"

    def create(self, name: str, content: Files | Path | None = None) -> Repository:
        """Make a repository; its first commit, on ``main``, holds the files or the folder."""
        return Repository.create(self.root / f"{name}.git", content)

    def refs(self, name: str) -> int:
        """How often clients asked for a repository's refs, successfully."""
        return sum(r.kind == "refs" and r.status == HTTPStatus.OK for r in self._of(name))

    def packs(self, name: str) -> int:
        """How often objects of a repository were sent: the number of its clones and fetches."""
        return sum(request.pack for request in self._of(name))

    def _of(self, name: str) -> list[Request]:
        return [request for request in self.requests if request.repository == f"{name}.git"]

    def allows(self, authorization: str) -> bool:
        """Tell whether an Authorization header lets a request through."""
        accepted = []
        if self.username or self.password:
            pair = f"{self.username}:{self.password}".encode()
            accepted.append(f"Basic {base64.b64encode(pair).decode()}")
        if self.token:
            accepted.append(f"Bearer {self.token}")
        return not accepted or any(
            hmac.compare_digest(authorization.encode(), header.encode()) for header in accepted
        )


class _Listener(ThreadingHTTPServer):
    """One stretch of listening; its end waits for the threads that answer."""

    daemon_threads = False

    def __init__(self, server: GitServer, port: int) -> None:
        super().__init__((LOOPBACK, port), _Handler)
        self.git = server
        self._thread = threading.Thread(
            target=self.serve_forever, kwargs={"poll_interval": 0.02}, name="git-server"
        )

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self.shutdown()
        self._thread.join()
        self.server_close()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing: a client that hangs up or refuses the certificate is a test's intention."""


class _Handler(BaseHTTPRequestHandler):
    """Answers one request; a connection is not used again, so that stopping need not wait."""

    server: _Listener
    timeout = 10  # seconds for a client to say what it wants

    def do_GET(self) -> None:
        self._answer(b"")

    def do_POST(self) -> None:
        self._answer(self._body())

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002  # the base class' name
        """Say nothing; ``GitServer.requests`` tells it all."""

    def _body(self) -> bytes:
        if self.headers.get("Transfer-Encoding") != "chunked":
            return self.rfile.read(int(self.headers.get("Content-Length") or 0))
        chunks = []
        while size := int(self.rfile.readline().split(b";")[0], 16):
            chunks.append(self.rfile.read(size))
            self.rfile.readline()
        self.rfile.readline()
        return b"".join(chunks)

    def _answer(self, body: bytes) -> None:
        git = self.server.git
        git.asked.set()
        if git.delay and git.stopping.wait(git.delay):
            return
        path, _, query = self.path.partition("?")
        repository = path.strip("/").partition("/")[0]
        headers: list[tuple[str, str]] = []
        output = b""
        if git.status:
            status = git.status
        elif not git.allows(self.headers.get("Authorization") or ""):
            status = HTTPStatus.UNAUTHORIZED
            scheme = "Basic" if git.username or git.password else "Bearer"
            headers = [("WWW-Authenticate", f'{scheme} realm="git"')]
        else:
            status, headers, output = self._backend(path, query, body)
        kind = self._kind(path, body)
        pack = kind == "fetch" and b"PACK" in output
        git.requests.append(Request(repository, kind, status, pack))
        self.send_response(status)
        for name, value in headers:
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(output)))
        self.send_header("Connection", "close")
        self.end_headers()
        self.wfile.write(output)

    def _kind(self, path: str, body: bytes) -> str:
        """What a request is for; in protocol version 2 its body begins with the command."""
        if path.endswith("/info/refs"):
            return "refs"
        if not path.endswith("/git-upload-pack"):
            return "other"
        if self.headers.get("Content-Encoding") == "gzip":
            body = gzip.decompress(body)
        return "ls-refs" if body[4:].startswith(b"command=ls-refs") else "fetch"

    def _backend(
        self, path: str, query: str, body: bytes
    ) -> tuple[int, list[tuple[str, str]], bytes]:
        """Run the CGI program; return the status, the headers and the body of its answer."""
        environment = git_environment(
            GIT_PROJECT_ROOT=str(self.server.git.root),
            GIT_HTTP_EXPORT_ALL="1",
            GIT_PROTOCOL=self.headers.get("Git-Protocol") or "",
            REQUEST_METHOD=self.command,
            PATH_INFO=path,
            QUERY_STRING=query,
            CONTENT_TYPE=self.headers.get("Content-Type") or "",
            CONTENT_LENGTH=str(len(body)),
            HTTP_CONTENT_ENCODING=self.headers.get("Content-Encoding") or "",
            REMOTE_ADDR=LOOPBACK,
        )
        done = subprocess.run(
            ["git", "http-backend"], env=environment, input=body, capture_output=True, check=False
        )
        head, _, output = done.stdout.partition(b"\r\n\r\n")
        headers = [
            (name, value.strip())
            for name, _, value in (line.partition(":") for line in head.decode().splitlines())
        ]
        status = int(next((v for n, v in headers if n == "Status"), "200").split()[0])
        return status, [header for header in headers if header[0] != "Status"], output
