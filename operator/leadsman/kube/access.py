"""What a connection to a cluster is made with, however it was found."""

from __future__ import annotations

import ipaddress
import ssl
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from pathlib import Path


@dataclass(frozen=True, slots=True)
class Access:
    """Credentials of the moment; ``authorization`` is that header's value, or ``""``."""

    tls: ssl.SSLContext | None = None
    authorization: str = field(default="", repr=False)


class AccessProvider(Protocol):
    """Knows the credentials, which change while the process lives."""

    async def current(self) -> Access:
        """Return the credentials to use now."""

    async def renew(self, rejected: Access) -> Access:
        """Return other credentials than the rejected ones, or the same if there are none."""


class FixedAccess:
    """Credentials that never change."""

    def __init__(self, access: Access | None = None) -> None:
        self._access = access or Access()

    async def current(self) -> Access:
        """Return the credentials."""
        return self._access

    async def renew(self, rejected: Access) -> Access:
        """Return the same credentials: there are no others."""
        return rejected


@dataclass(frozen=True, slots=True)
class ClusterConfig:
    """Where the API server is and who to be there.

    ``server`` is the URL without a trailing slash, ``namespace`` the context's, ``origin`` says
    where all this was found, for messages. ``proxy`` is the URL of an HTTP proxy,
    ``tls_server_name`` the name to check the server's certificate against if not the URL's.
    ``far``: answers are to be compressed, unless they come from this machine. As `make bench` has
    measured, compressing costs the API server no more than encrypting what it saves.
    """

    server: str
    access: AccessProvider = field(default_factory=FixedAccess)
    namespace: str = "default"
    context: str = ""
    origin: str = ""
    proxy: str | None = None
    tls_server_name: str | None = None
    far: bool = True

    @property
    def loopback(self) -> bool:
        """Tell whether the API server is on this machine."""
        host = urlsplit(self.server).hostname or ""
        try:
            return ipaddress.ip_address(host).is_loopback
        except ValueError:
            return host == "localhost"


def tls_context(ca_file: Path | str | None, *, verify: bool = True) -> ssl.SSLContext:
    """Return a client's TLS context that trusts ``ca_file``, or the system's store if None.

    Raises:
        OSError: the file cannot be read or holds no certificate (``ssl.SSLError`` is one).

    """
    context = ssl.create_default_context(cafile=ca_file)
    # Python 3.13 turns this on, and then refuses CAs without an Authority Key Identifier, which
    # kubeadm, k3s and EKS have made for years and which every other client accepts.
    context.verify_flags &= ~ssl.VERIFY_X509_STRICT
    if not verify:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context
