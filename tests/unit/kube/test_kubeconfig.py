from __future__ import annotations

import asyncio
import base64
import datetime as dt
import os
import ssl
import tempfile
from typing import TYPE_CHECKING, Any

import pytest
import yaml
from aiohttp import web

from controlplane.tls import Authority
from leadsman.errors import KubeError
from leadsman.kube import kubeconfig as module
from leadsman.kube.client import Client
from leadsman.kube.kubeconfig import from_kubeconfig

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

# The plugin and the loader are a second each to start on a busy machine.
pytestmark = pytest.mark.timeout(60)


def write(path: Path, user: dict[str, Any], **cluster: Any) -> Path:
    """Write a kubeconfig with one context, ``prod``."""
    path.write_text(
        yaml.safe_dump(
            {
                "apiVersion": "v1",
                "kind": "Config",
                "current-context": "prod",
                "contexts": [
                    {"name": "prod", "context": {"cluster": "c", "user": "u", "namespace": "shop"}}
                ],
                "clusters": [{"name": "c", "cluster": {"server": "http://127.0.0.1:1", **cluster}}],
                "users": [{"name": "u", "user": user}],
            }
        )
    )
    return path


def write_plugin(path: Path, script: str) -> dict[str, Any]:
    """Write an exec plugin, and return how a kubeconfig names it."""
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o700)
    return {
        "exec": {
            "apiVersion": "client.authentication.k8s.io/v1",
            "command": str(path),
            "interactiveMode": "Never",
        }
    }


def credential(status: str) -> str:
    kind = "apiVersion: client.authentication.k8s.io/v1, kind: ExecCredential"
    quoted = ", ".join(
        f'"{k.strip()}": "{v.strip()}"' for k, v in (part.split(":") for part in kind.split(","))
    )
    return f"echo '{{{quoted}, \"status\": {status}}}'"


async def test_a_context_is_read(tmp_path: Path) -> None:
    path = write(tmp_path / "config", {"token": "hush"}, server="https://c.test:6443/k8s/")
    config = await from_kubeconfig(str(path))
    assert config.server == "https://c.test:6443/k8s"
    assert (config.namespace, config.context) == ("shop", "prod")
    assert config.origin == f"context 'prod' of {path}"
    assert (await config.access.current()).authorization == "Bearer hush"


@pytest.mark.parametrize(
    ("said", "far"),
    [({}, True), ({"disable-compression": False}, True), ({"disable-compression": True}, False)],
)
async def test_a_kubeconfig_can_say_that_the_way_is_short(
    tmp_path: Path, said: dict[str, bool], *, far: bool
) -> None:
    path = write(tmp_path / "config", {"token": "t"}, **said)
    assert (await from_kubeconfig(str(path))).far is far


async def test_several_files_are_merged(tmp_path: Path) -> None:
    one = write(tmp_path / "one", {"token": "one"})
    two = tmp_path / "two"
    two.write_text(
        yaml.safe_dump(
            {
                "contexts": [{"name": "other", "context": {"cluster": "c2", "user": "u"}}],
                "clusters": [{"name": "c2", "cluster": {"server": "http://127.0.0.2:2"}}],
            }
        )
    )
    config = await from_kubeconfig(f"{one}:{two}:{tmp_path}/missing", "other")
    assert (config.server, config.namespace) == ("http://127.0.0.2:2", "default")


@pytest.mark.parametrize(
    ("content", "context", "said"),
    [
        (None, "", "there is no such file"),
        ("", "", "file is empty"),
        ("a: [", "", "not valid YAML (line 1)"),
        ("token: {hush: 'x", "", "not valid YAML"),
        ("[]", "", "not the shape of a kubeconfig"),
        ("contexts: []", "", "no current-context"),
        ("current-context: a\ncontexts: []", "", "object with name a in"),
        (None, "staging", "context 'staging' of kubeconfig"),
    ],
)
async def test_what_is_wrong_is_said_with_the_file(
    tmp_path: Path, content: str | None, context: str, said: str
) -> None:
    path = tmp_path / "config"
    if content is not None:
        path.write_text(content)
    with pytest.raises(KubeError) as caught:
        await from_kubeconfig(str(path), context)
    error = caught.value
    assert error.reason == "KubeconfigInvalid"
    assert said in error.message
    assert str(path) in error.message
    assert "hush" not in error.message
    assert not error.retryable


async def test_an_unknown_context_is_said(tmp_path: Path) -> None:
    path = write(tmp_path / "config", {})
    with pytest.raises(KubeError, match=r"context 'staging' of kubeconfig .* name staging"):
        await from_kubeconfig(str(path), "staging")


@pytest.mark.parametrize("server", ["ftp://c.test", "c.test:6443", ""])
async def test_a_server_must_be_an_http_url(tmp_path: Path, server: str) -> None:
    path = write(tmp_path / "config", {}, server=server)
    with pytest.raises(KubeError, match="no http or https URL"):
        await from_kubeconfig(str(path))


async def test_a_missing_certificate_is_said(tmp_path: Path) -> None:
    path = write(
        tmp_path / "config", {}, server="https://c.test", **{"certificate-authority": "gone.crt"}
    )
    with pytest.raises(KubeError, match=r"gone\.crt"):
        await from_kubeconfig(str(path))


@pytest.fixture
async def strict_server(tmp_path: Path) -> AsyncIterator[tuple[str, Authority]]:
    """A server that lets only those in who have a certificate of its authority."""
    authority = Authority(tmp_path)
    context = authority.server_context()
    context.load_verify_locations(authority.ca_file)
    context.verify_mode = ssl.CERT_REQUIRED

    async def version(_: web.Request) -> web.Response:
        return web.json_response({"gitVersion": "v1.37.2"})

    app = web.Application()
    app.router.add_get("/version", version)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0, ssl_context=context).start()
    yield f"https://127.0.0.1:{runner.addresses[0][1]}", authority
    await runner.cleanup()


@pytest.mark.parametrize("inline", [True, False])
async def test_client_certificates_work_and_leave_no_files(
    tmp_path: Path,
    strict_server: tuple[str, Authority],
    monkeypatch: pytest.MonkeyPatch,
    *,
    inline: bool,
) -> None:
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(temporary))
    server, authority = strict_server
    pem = authority.issue("client.pem")

    def place(key: str, file: Path) -> dict[str, str]:
        if inline:
            return {f"{key}-data": base64.b64encode(file.read_bytes()).decode()}
        return {key: file.name}  # relative to the kubeconfig

    path = write(
        tmp_path / "config",
        {**place("client-certificate", pem), **place("client-key", pem)},
        server=server,
        **place("certificate-authority", authority.ca_file),
    )
    for _ in range(2):  # the loader remembers files that are gone by the second time
        async with Client(await from_kubeconfig(str(path))) as client:
            assert (await client.get("/version"))["gitVersion"] == "v1.37.2"
    assert list(temporary.iterdir()) == []


async def test_another_servers_certificate_is_refused(
    tmp_path: Path, strict_server: tuple[str, Authority]
) -> None:
    server, _ = strict_server
    other = tmp_path / "other"
    other.mkdir()
    path = write(
        tmp_path / "config",
        {},
        server=server,
        **{"certificate-authority": str(Authority(other).ca_file)},
    )
    async with Client(await from_kubeconfig(str(path)), timeout=5) as client:
        with pytest.raises(KubeError, match="certificate verify failed"):
            await client.request("POST", "/version", body={})


async def test_a_token_file_is_read_again_when_its_token_is_rejected(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_RELOAD_EVERY", 0.0)
    (tmp_path / "token").write_text("one\n")
    config = await from_kubeconfig(str(write(tmp_path / "config", {"tokenFile": "token"})))
    first = await config.access.current()
    assert first.authorization == "Bearer one"
    (tmp_path / "token").write_text("two\n")
    assert await config.access.current() is first
    second = await config.access.renew(first)
    assert second.authorization == "Bearer two"
    assert await config.access.renew(first) is second


async def test_reloads_are_rare(tmp_path: Path) -> None:
    (tmp_path / "token").write_text("one")
    config = await from_kubeconfig(str(write(tmp_path / "config", {"tokenFile": "token"})))
    first = await config.access.current()
    (tmp_path / "token").write_text("two")
    assert await config.access.renew(first) is first


async def test_a_plugins_token_is_renewed_before_it_expires(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_RELOAD_EVERY", 0.0)
    expiries = tmp_path / "expiries"
    count = tmp_path / "count"
    script = f'echo run >> {count}; n=$(wc -l < {count}); e=$(sed -n "$n p" {expiries})\n' + (
        credential('{"token": "token-\'$n\'", "expirationTimestamp": "\'$e\'"}')
    )
    now = dt.datetime.now(dt.UTC)
    expiries.write_text(
        "\n".join(
            (now + dt.timedelta(seconds=s)).strftime("%Y-%m-%dT%H:%M:%SZ") for s in (30, 3600)
        )
        + "\n"
    )
    path = write(tmp_path / "config", write_plugin(tmp_path / "plugin", script))
    config = await from_kubeconfig(str(path))
    renewed = await asyncio.gather(*(config.access.current() for _ in range(5)))
    assert {access.authorization for access in renewed} == {"Bearer token-2"}
    assert (await config.access.current()).authorization == "Bearer token-2"
    assert count.read_text().count("run") == 2


async def test_a_plugin_that_fails_is_quoted(tmp_path: Path) -> None:
    plugin = write_plugin(tmp_path / "plugin", "echo 'please log in first' >&2; exit 3")
    with pytest.raises(KubeError, match="please log in first") as caught:
        await from_kubeconfig(str(write(tmp_path / "config", plugin)))
    assert caught.value.reason == "KubeconfigInvalid"


async def test_a_plugin_that_gives_nothing_is_named(tmp_path: Path) -> None:
    plugin = write_plugin(tmp_path / "plugin", credential("{}"))
    with pytest.raises(KubeError, match="exec plugin of user 'u' gave neither a token nor"):
        await from_kubeconfig(str(write(tmp_path / "config", plugin)))


async def test_the_environments_proxy_leads_to_other_machines_only(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in [name for name in os.environ if name.lower().endswith("_proxy")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("HTTPS_PROXY", "http://proxy.test:3128")
    monkeypatch.setenv("NO_PROXY", "inside.test")

    async def proxy(server: str, **cluster: str) -> str | None:
        path = write(tmp_path / "config", {}, server=server, **cluster)
        return (await from_kubeconfig(str(path))).proxy

    assert await proxy("https://c.test:6443") == "http://proxy.test:3128"
    assert await proxy("https://inside.test:6443") is None
    assert await proxy("https://127.0.0.1:6443") is None
    own = {"proxy-url": "http://own.test:1"}
    assert await proxy("https://inside.test", **own) == "http://own.test:1"
