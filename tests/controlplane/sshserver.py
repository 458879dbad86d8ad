"""A real SSH server on loopback that serves Git repositories for reading.

    with SshServer() as server:
        server.create("shop", {"app.yaml": "..."})
        # clone server.url("shop") with server.identity and server.known_hosts

``identity`` and ``known_hosts`` are what a Secret holds under these names.
"""

from __future__ import annotations

import asyncio
import shlex
import shutil
import tempfile
import threading
from pathlib import Path
from typing import Any, Self

import asyncssh

from .gitrepo import Files, Repository, git_environment
from .ports import LOOPBACK


class SshServer:
    """Serves the bare repositories in ``root``, a temporary folder unless given.

    The one client key that it accepts is ``identity``, a private key in OpenSSH's form;
    ``known_hosts`` is the line that makes a client accept the server. ``fetches`` counts the
    sessions that ran ``git-upload-pack``, those that only list refs too.
    """

    def __init__(self, root: Path | None = None) -> None:
        self._temporary = Path(tempfile.mkdtemp(prefix="ssh-server-"))
        self.root = root or self._temporary
        self._host_key = asyncssh.generate_private_key("ssh-ed25519")
        self._client_key = asyncssh.generate_private_key("ssh-ed25519")
        self.identity = self._client_key.export_private_key().decode()
        self.identity_public = self._client_key.export_public_key().decode()
        self.known_hosts = ""
        self.port = 0
        self.fetches = 0
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="ssh-server")

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def start(self) -> None:
        self._thread.start()
        self._acceptor = asyncio.run_coroutine_threadsafe(self._listen(), self._loop).result()
        self.port = self._acceptor.get_port()
        public = self._host_key.export_public_key().decode().strip()
        self.known_hosts = f"[{LOOPBACK}]:{self.port} {public}\n"

    def close(self) -> None:
        """Stop, end all sessions and remove what is temporary."""
        asyncio.run_coroutine_threadsafe(self._end(), self._loop).result()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()
        shutil.rmtree(self._temporary, ignore_errors=True)

    def url(self, name: str) -> str:
        """The URL to clone a repository from."""
        return f"ssh://git@{LOOPBACK}:{self.port}/{name}.git"

    def create(self, name: str, content: Files | Path | None = None) -> Repository:
        """Make a repository; its first commit, on ``main``, holds the files or the folder."""
        return Repository.create(self.root / f"{name}.git", content)

    async def _listen(self) -> asyncssh.SSHAcceptor:
        return await asyncssh.listen(
            LOOPBACK,
            0,
            server_host_keys=[self._host_key],
            authorized_client_keys=asyncssh.import_authorized_keys(self.identity_public),
            process_factory=self._serve,
            encoding=None,
        )

    async def _end(self) -> None:
        self._acceptor.close()
        await self._acceptor.wait_closed()

    async def _serve(self, process: asyncssh.SSHServerProcess[bytes]) -> None:
        """Run ``git upload-pack`` for a session and pass its streams through."""
        command, *arguments = shlex.split(process.command or "none")
        path = (self.root / arguments[-1].lstrip("/")).resolve() if arguments else self.root
        if command != "git-upload-pack" or self.root.resolve() not in path.parents:
            process.stderr.write(b"only git-upload-pack is served\n")
            process.exit(1)
            return
        self.fetches += 1
        upload = await asyncio.create_subprocess_exec(
            "git",
            "upload-pack",
            str(path),
            env=git_environment(GIT_PROTOCOL=process.env.get("GIT_PROTOCOL", "")),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        questions = asyncio.create_task(_pump(process.stdin, upload.stdin, last=True))
        try:
            await asyncio.gather(
                _pump(upload.stdout, process.stdout), _pump(upload.stderr, process.stderr)
            )
            process.exit(await upload.wait())
        finally:
            questions.cancel()
            if upload.returncode is None:
                upload.kill()
                await upload.wait()


async def _pump(source: Any, sink: Any, *, last: bool = False) -> None:
    """Copy a stream to its end; asyncssh's and asyncio's streams are alike in what is used."""
    while data := await source.read(65536):
        sink.write(data)
        await sink.drain()
    if last:
        sink.close()
