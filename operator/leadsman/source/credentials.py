"""A source's Secret as git processes get it: by environment and private files, never by argv.

Source of the keys and what they mean: fluxcd/pkg ``git/options.go`` and the Secret of a
GitRepository in fluxcd/source-controller.
"""

from __future__ import annotations

import base64
import re
import shlex
import shutil
import ssl
import tempfile
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote

from leadsman.errors import SourceError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from leadsman.model.source import Credentials
    from leadsman.source.url import RemoteUrl

_CREDENTIALS_IN_URL = re.compile(r"(https?://)[^/@\s]+@|(\w+://[^/@\s:]+):[^/@\s]*@")
_QUERY_IN_URL = re.compile(r"(https?://[^\s'\"?]*)\?[^\s'\"]*")
_CREDENTIAL_HELPER = (
    "!f() { test \"$1\" = get && printf 'username=%s\\npassword=%s\\n' "
    '"$LEADSMAN_USERNAME" "$LEADSMAN_PASSWORD"; }; f'
)
_ASKPASS = b'#!/bin/sh\nprintf "%s\\n" "$LEADSMAN_PASSPHRASE"\n'
_SSH_OPTIONS = {
    "StrictHostKeyChecking": "yes",
    "GlobalKnownHostsFile": "/dev/null",
    "UpdateHostKeys": "no",
    "IdentitiesOnly": "yes",
    "IdentityAgent": "none",
    "PreferredAuthentications": "publickey",
    "NumberOfPasswordPrompts": "1",
    "ControlMaster": "no",
    "ControlPath": "none",
    "ClearAllForwardings": "yes",
    "PermitLocalCommand": "no",
    "ServerAliveInterval": "15",
    "LogLevel": "ERROR",
}


@dataclass(frozen=True, slots=True)
class Access:
    """What opens a repository: all empty for a public one."""

    url: RemoteUrl
    username: str = ""
    password: str = field(default="", repr=False)
    bearer: str = field(default="", repr=False)
    authority: bytes = b""
    certificate: bytes = b""
    certificate_key: bytes = field(default=b"", repr=False)
    identity: bytes = field(default=b"", repr=False)
    known_hosts: bytes = b""
    passphrase: str = field(default="", repr=False)

    @property
    def authenticated(self) -> bool:
        """Whether the server is shown anything that says who asks."""
        return bool(self.username or self.bearer or self.identity or self.certificate)

    @property
    def can_follow(self) -> bool:
        """Whether a redirect can be followed such that no other server gets the credentials."""
        return bool(self.username) and self.url.scheme != "ssh"

    def scrub(self, text: str) -> str:
        """Return a text without what is secret here, in any form in which it is sent."""
        pair = f"{self.username}:{self.password}" if self.username else ""
        # Forges also take a token for a user's name, with no password.
        for secret in (pair, self.password or self.username, self.bearer, self.passphrase):
            if secret:
                encoded = base64.b64encode(secret.encode()).decode().rstrip("=")
                for form in (secret, quote(secret, safe=""), encoded):
                    text = text.replace(form, "***")
        text = _CREDENTIALS_IN_URL.sub(lambda m: f"{m[1] or m[2] + ':'}***@", text)
        return _QUERY_IN_URL.sub(r"\1?***", text)

    @contextmanager
    def session(self, folder: Path, *, follow: bool) -> Iterator[dict[str, str]]:
        """Lay out what one git process needs; yield environment variables, then clean up.

        ``follow`` lets git follow redirects, and then only the server of the address, asking for
        them, gets the credentials. Without it they are sent at once and redirects are errors.
        """
        private = Path(tempfile.mkdtemp(prefix="access-", dir=folder))
        try:
            if self.url.scheme == "ssh":
                yield self._ssh(private)
            else:
                yield self._http(private, follow=follow)
        finally:
            shutil.rmtree(private, ignore_errors=True)

    def _http(self, private: Path, *, follow: bool) -> dict[str, str]:
        config: list[tuple[str, str]] = []
        environment: dict[str, str] = {}
        if self.username and follow:
            origins = {self.url.origin, self.url.origin.replace("http://", "https://")}
            config += [(f"credential.{origin}.helper", _CREDENTIAL_HELPER) for origin in origins]
            environment |= {
                "LEADSMAN_USERNAME": self.username,
                "LEADSMAN_PASSWORD": self.password,
            }
        elif self.username:
            pair = base64.b64encode(f"{self.username}:{self.password}".encode()).decode()
            config.append(("http.extraHeader", f"Authorization: Basic {pair}"))
        elif self.bearer:
            config.append(("http.extraHeader", f"Authorization: Bearer {self.bearer}"))
        secret = bool(self.username or self.bearer)
        config.append(("http.followRedirects", "false" if secret and not follow else "initial"))
        # As variables these win over the same ones of our own environment, as settings they lose.
        if self.authority:
            environment["GIT_SSL_CAINFO"] = _write(private / "ca.crt", self.authority)
            # Flux adds the authority to the system's; git would replace them.
            if capath := ssl.get_default_verify_paths().capath:
                environment["GIT_SSL_CAPATH"] = capath
        if self.certificate:
            environment["GIT_SSL_CERT"] = _write(private / "tls.crt", self.certificate)
            environment["GIT_SSL_KEY"] = _write(private / "tls.key", self.certificate_key)
        return environment | git_config(config)

    def _ssh(self, private: Path) -> dict[str, str]:
        options = _SSH_OPTIONS | {
            "IdentityFile": f'"{_write(private / "identity", self.identity)}"',
            "UserKnownHostsFile": f'"{_write(private / "known_hosts", self.known_hosts)}"',
        }
        environment = {}
        if self.passphrase:
            askpass = private / "askpass"
            _write(askpass, _ASKPASS)
            askpass.chmod(0o700)
            environment = {
                "SSH_ASKPASS": str(askpass),
                "SSH_ASKPASS_REQUIRE": "force",
                "LEADSMAN_PASSPHRASE": self.passphrase,
            }
        else:
            options["BatchMode"] = "yes"
        words = ["ssh", "-F", "/dev/null"]
        for name, value in options.items():
            words += ["-o", f"{name}={value}"]
        return environment | {"GIT_SSH_COMMAND": shlex.join(words), "GIT_SSH_VARIANT": "ssh"}


def git_config(settings: list[tuple[str, str]]) -> dict[str, str]:
    """Return settings as the environment variables by which git takes them, after ours."""
    common = [
        ("core.hooksPath", "/dev/null"),
        ("credential.helper", ""),
        ("gc.auto", "0"),
        ("maintenance.auto", "false"),
        ("fetch.unpackLimit", "1"),
        ("pack.threads", "1"),
        ("core.bigFileThreshold", "16m"),
        ("protocol.version", "2"),
    ]
    environment = {"GIT_CONFIG_COUNT": str(len(common) + len(settings))}
    for index, (key, value) in enumerate(common + settings):
        environment[f"GIT_CONFIG_KEY_{index}"] = key
        environment[f"GIT_CONFIG_VALUE_{index}"] = value
    return environment


def _write(path: Path, data: bytes) -> str:
    """Write a file that only we can read; the folder is private and new."""
    path.touch(mode=0o600)
    path.write_bytes(data)
    return str(path)


def read_secret(url: RemoteUrl, credentials: Credentials | None, secret: str) -> Access:
    """Find in a Secret's data what opens the repository.

    ``secret`` names it in messages. Keys: ``username`` and ``password``, ``bearerToken``,
    ``ca.crt`` (or ``caFile``), ``tls.crt`` and ``tls.key``; for SSH ``identity``,
    ``known_hosts`` and, for an encrypted key, ``password``.

    Raises:
        SourceError: ``InvalidSecret``, which names the key.
    """
    reader = _Reader(credentials.data if credentials else {}, secret)
    if url.scheme == "ssh":
        identity = _pem(reader.required("identity"))
        passphrase = reader.line("password")
        if not passphrase and _is_encrypted(identity):
            raise reader.invalid("identity is encrypted: its passphrase belongs in 'password'")
        return Access(
            url,
            identity=identity,
            known_hosts=_pem(reader.required("known_hosts")),
            passphrase=passphrase,
        )
    bearer = reader.line("bearerToken")
    username = reader.line("username") or url.user
    password = reader.line("password") or url.password
    if bearer and username:
        raise reader.invalid("has both 'bearerToken' and a user name: only one can be sent")
    if password and not username:
        raise reader.invalid("has 'password' but not 'username'")
    authority = reader.get("ca.crt") or reader.get("caFile")
    if authority and b"-----BEGIN CERTIFICATE-----" not in authority:
        raise reader.invalid("holds no PEM certificate in 'ca.crt'")
    certificate, key = reader.get("tls.crt"), reader.get("tls.key")
    if bool(certificate) != bool(key):
        raise reader.invalid("needs 'tls.crt' and 'tls.key', not only one of them")
    return Access(
        url,
        username=username,
        password=password,
        bearer=bearer,
        authority=authority,
        certificate=certificate,
        certificate_key=key,
    )


@dataclass(frozen=True, slots=True)
class _Reader:
    data: Mapping[str, bytes]
    secret: str

    def get(self, key: str) -> bytes:
        return self.data.get(key, b"")

    def required(self, key: str) -> bytes:
        if value := self.get(key):
            return value
        raise self.invalid(f"lacks {key!r}, which ssh:// needs")

    def line(self, key: str) -> str:
        """Return a value that is sent in a header or a prompt, so must be one line."""
        try:
            value = self.get(key).decode()
        except UnicodeDecodeError:
            raise self.invalid(f"holds no text in {key!r}") from None
        if any(ord(c) < ord(" ") or c == "\x7f" for c in value):
            raise self.invalid(f"has a line break or control character in {key!r}")
        return value

    def invalid(self, what: str) -> SourceError:
        where = f"Secret {self.secret}" if self.secret else "the source, which has no secretRef,"
        return SourceError("InvalidSecret", f"{where} {what}", retryable=False)


def _pem(text: bytes) -> bytes:
    """Return a key file as OpenSSH takes it: Unix line ends, and one at the end."""
    return text.replace(b"\r\n", b"\n").rstrip(b"\n") + b"\n"


def _is_encrypted(identity: bytes) -> bool:
    """Tell whether a private key, in PEM or OpenSSH's own form, needs a passphrase."""
    if b"ENCRYPTED" in identity:
        return True
    body = re.search(rb"-----BEGIN OPENSSH PRIVATE KEY-----(.*?)-----END", identity, re.DOTALL)
    if body is None:
        return False
    try:
        blob = base64.b64decode(body[1], validate=False)
    except ValueError:
        return False
    magic = b"openssh-key-v1\0"
    # After the magic: the cipher's name, with its length before it. Source: PROTOCOL.key.
    return blob.startswith(magic) and blob[len(magic) + 4 :][:4] != b"none"
