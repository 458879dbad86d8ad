"""Git servers of all kinds, and what opens them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

import asyncssh

from controlplane.gitserver import GitServer
from controlplane.sshserver import SshServer

if TYPE_CHECKING:
    from collections.abc import Mapping
    from contextlib import ExitStack

USERNAME = "ada"
PASSWORD, NEXT_PASSWORD = "correct-horse-battery", "staple-the-second"
TOKEN, NEXT_TOKEN = "token-7f3a9c51", "token-0b64e2d8"
# The password in a URL that somebody has committed.
COMMITTED = "hunter2-in-git"


@dataclass(frozen=True)
class Servers:
    """One of each kind, by what is special about it; ``secrets`` are data of Secrets by name."""

    http: Mapping[str, GitServer]
    ssh: SshServer
    secrets: Mapping[str, Mapping[str, str]]
    confidential: tuple[str, ...]

    def __getitem__(self, name: str) -> GitServer | SshServer:
        return self.ssh if name == "ssh" else self.http[name]

    @classmethod
    def start(cls, stack: ExitStack) -> Self:
        """Start all of them until the stack is left."""
        http = {
            "open": GitServer(),
            "stopping": GitServer(),
            "overloaded": GitServer(),
            "slow": GitServer(),
            "locked": GitServer(username=USERNAME, password=PASSWORD),
            "rotating": GitServer(username=USERNAME, password=PASSWORD),
            "token": GitServer(token=TOKEN),
            "tls": GitServer(tls=True),
        }
        for server in http.values():
            stack.enter_context(server)
        ssh = stack.enter_context(SshServer())
        impostor = asyncssh.generate_private_key("ssh-ed25519").export_public_key().decode()
        stranger = asyncssh.generate_private_key("ssh-ed25519").export_private_key().decode()
        host = ssh.known_hosts.split()[0]
        password = {"username": USERNAME, "password": PASSWORD}
        secrets = {
            "locked": password,
            "rotating": password,
            "no-user": {"password": PASSWORD},
            "token": {"bearerToken": TOKEN},
            "tls": {"ca.crt": http["tls"].ca_file.read_text()},
            "ssh": {"identity": ssh.identity, "known_hosts": ssh.known_hosts},
            "ssh-impostor": {"identity": ssh.identity, "known_hosts": f"{host} {impostor}"},
            "ssh-stranger": {"identity": stranger, "known_hosts": ssh.known_hosts},
        }
        # Of a private key any line will do.
        keys = [key.splitlines()[2] for key in (ssh.identity, stranger)]
        said = (PASSWORD, NEXT_PASSWORD, TOKEN, NEXT_TOKEN, COMMITTED, *keys)
        return cls(http, ssh, secrets, said)
