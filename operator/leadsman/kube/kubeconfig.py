"""Read a kubeconfig as kubectl does, with the official client's loader.

The loader knows exec plugins, OpenID Connect and the clouds' own ways, and it costs 19 MiB: it is
imported only here, when there is a kubeconfig to read, and called in a thread, since plugins run
programs and ask people.
"""

from __future__ import annotations

import asyncio
import importlib
import tempfile
import time
import urllib.request
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import yaml

from leadsman.errors import KubeError
from leadsman.kube.access import Access, ClusterConfig, tls_context

if TYPE_CHECKING:
    from collections.abc import Callable

# A token is renewed this long before it expires, and never more often than _RELOAD_EVERY: a
# plugin may start a browser.
_EXPIRY_MARGIN = 60.0
_RELOAD_EVERY = 10.0


@dataclass(frozen=True, slots=True)
class _Loaded:
    server: str
    access: Access
    namespace: str
    context: str
    proxy: str | None
    tls_server_name: str | None
    far: bool
    expires: float | None


class KubeconfigAccess:
    """Loads the kubeconfig again when its token expires or is rejected."""

    def __init__(self, load: Callable[[], _Loaded], loaded: _Loaded) -> None:
        self._load = load
        self._loaded = loaded
        self._tried = time.monotonic()
        self._lock = asyncio.Lock()

    async def current(self) -> Access:
        """Return the credentials, loaded anew shortly before they expire."""
        expires = self._loaded.expires
        if expires is not None and time.time() > expires - _EXPIRY_MARGIN:
            return await self.renew(self._loaded.access)
        return self._loaded.access

    async def renew(self, rejected: Access) -> Access:
        """Load the kubeconfig anew unless somebody has just done it.

        Raises:
            KubeError: reason ``KubeconfigInvalid``.

        """
        async with self._lock:
            if self._loaded.access == rejected and time.monotonic() - self._tried >= _RELOAD_EVERY:
                self._tried = time.monotonic()
                self._loaded = await asyncio.to_thread(self._load)
            return self._loaded.access


async def from_kubeconfig(path: str = "", context: str = "") -> ClusterConfig:
    """Return the configuration of a kubeconfig's context.

    ``path`` may name several files with ``:`` between them; empty, it is ``~/.kube/config``.
    ``context`` empty is the file's current one.

    Raises:
        KubeError: reason ``KubeconfigInvalid``, with the file and the context.

    """
    path = path or "~/.kube/config"

    def load() -> _Loaded:
        return _load(path, context)

    loaded = await asyncio.to_thread(load)
    return ClusterConfig(
        server=loaded.server,
        access=KubeconfigAccess(load, loaded),
        namespace=loaded.namespace,
        context=loaded.context,
        origin=f"context {loaded.context!r} of {path}",
        proxy=loaded.proxy,
        tls_server_name=loaded.tls_server_name,
        far=loaded.far,
    )


def _load(path: str, context: str) -> _Loaded:
    kubernetes = importlib.import_module("kubernetes.config.kube_config")
    where = f"context {context!r} of kubeconfig {path}" if context else f"kubeconfig {path}"
    try:
        merger = kubernetes.KubeConfigMerger(path)
        if merger.config is None:
            raise _invalid(where, "there is no such file; name one with --kubeconfig or KUBECONFIG")
        if not context and not merger.config.value.get("current-context"):
            raise _invalid(where, "it has no current-context: name a context")
        # Certificates that stand in the kubeconfig itself pass through files, which live no
        # longer than it takes to read them.
        with tempfile.TemporaryDirectory(prefix="leadsman-") as directory:
            loader = kubernetes.KubeConfigLoader(
                config_dict=merger.config,
                active_context=context or None,
                config_base_path=None,
                # OpenID Connect: a refresh token may be good once, so the new one must be kept.
                config_persister=merger.save_changes,
                temp_file_path=directory,
            )
            configuration = kubernetes.Configuration()
            loader.load_and_set(configuration)
            chosen = loader.current_context
            if not getattr(loader, "token", "") and not configuration.cert_file:
                _check_plugin(kubernetes.ExecProvider, merger.config, chosen)
            return _loaded(loader, configuration, chosen, far=_is_far(merger.config, chosen))
    except yaml.YAMLError as error:
        # Not the error's own text: that quotes the file, credentials included.
        mark = getattr(error, "problem_mark", None)
        line = f" (line {mark.line + 1})" if mark else ""
        raise _invalid(where, f"it is not valid YAML{line}") from None
    except (kubernetes.ConfigException, OSError, ValueError) as error:
        raise _invalid(where, str(error)) from error
    except (AttributeError, KeyError, TypeError) as error:
        raise _invalid(where, f"it has not the shape of a kubeconfig: {error}") from error


def _loaded(loader: Any, configuration: Any, chosen: dict[str, Any], *, far: bool) -> _Loaded:
    server = str(getattr(loader, "host", "") or "").rstrip("/")
    if urlsplit(server).scheme not in {"http", "https"} or not urlsplit(server).hostname:
        raise ValueError(f"the cluster's server {server!r} is no http or https URL")
    tls = None
    if server.startswith("https"):
        tls = tls_context(configuration.ssl_ca_cert, verify=configuration.verify_ssl)
        if configuration.cert_file:
            tls.load_cert_chain(configuration.cert_file, configuration.key_file)
    expiry = getattr(loader, "expiry", None)
    return _Loaded(
        server=server,
        access=Access(tls, str(getattr(loader, "token", "")).strip()),
        namespace=chosen["context"].get("namespace") or "default",
        context=chosen["name"],
        proxy=getattr(loader, "proxy", None) or _proxy(server),
        tls_server_name=getattr(loader, "tls_server_name", None),
        far=far,
        expires=expiry.timestamp() if isinstance(expiry, datetime) else None,
    )


def _proxy(server: str) -> str | None:
    """Return the environment's proxy for a server, as kubectl takes it; none on loopback."""
    if ClusterConfig(server).loopback:
        return None
    parts = urlsplit(server)
    if urllib.request.proxy_bypass(parts.netloc):
        return None
    return urllib.request.getproxies().get(parts.scheme)


def _is_far(config: Any, chosen: dict[str, Any]) -> bool:
    """Tell whether answers may be compressed: ``disable-compression`` says that the way is short.

    Source: client-go, ``tools/clientcmd/api/v1/types.go``.
    """
    entry = config["clusters"].get_with_name(chosen["context"]["cluster"], safe=True)
    return entry is None or not entry["cluster"].safe_get("disable-compression")


def _check_plugin(provider: Any, config: Any, chosen: dict[str, Any]) -> None:
    """Say why an exec plugin gave nothing: the loader only logs it, and goes on as nobody."""
    name = chosen["context"].get("user")
    users = config.safe_get("users")
    entry = config["users"].get_with_name(name, safe=True) if name and users else None
    user = entry["user"] if entry is not None else None
    if user is not None and "exec" in user:
        provider(user["exec"], str(Path(user.path).absolute().parent)).run()
        raise ValueError(f"the exec plugin of user {name!r} gave neither a token nor a certificate")


def _invalid(where: str, message: str) -> KubeError:
    return KubeError("KubeconfigInvalid", f"{where}: {message}", retryable=False)
