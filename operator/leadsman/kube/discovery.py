"""What the API server serves: kinds, their scopes and verbs, and the versions Helm asks for."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import quote

from leadsman.kube.surface import Surface, read_surface
from leadsman.model.identity import Gvk, sharing_groups

if TYPE_CHECKING:
    from leadsman.kube.client import Client


@dataclass(frozen=True, slots=True)
class ApiResource:
    """A kind as it is served in one version."""

    group: str
    version: str
    kind: str
    plural: str
    namespaced: bool
    verbs: frozenset[str] = frozenset()

    @property
    def gvk(self) -> Gvk:
        """The kind's name in manifests."""
        return Gvk(self.group, self.version, self.kind)

    @property
    def readable(self) -> bool:
        """Whether its objects can be followed and read back."""
        return self.verbs >= {"get", "list", "watch"}

    def path(self, namespace: str = "", name: str = "", subresource: str = "") -> str:
        """Return the path of an object, of a namespace's objects, or of all objects."""
        parts = [f"/apis/{self.group}" if self.group else "/api", self.version]
        if namespace and self.namespaced:
            parts += ["namespaces", quote(namespace, safe="")]
        parts.append(self.plural)
        parts += [quote(part, safe="") for part in (name, subresource) if part]
        return "/".join(parts)

    def __str__(self) -> str:
        return f"{self.plural}.{self.group}" if self.group else self.plural


class Discovery:
    """The kinds that the API server serves, as of the last ``refresh``.

    ``stale`` holds the group-versions of aggregated APIs that are down: what is said of their
    kinds is what they last served.
    """

    def __init__(self, client: Client) -> None:
        self.kube_version = ""
        self.api_versions: tuple[str, ...] = ()
        self.stale: frozenset[str] = frozenset()
        self._client = client
        self._lock = asyncio.Lock()
        self._surface = Surface()
        self._resources: dict[Gvk, ApiResource] = {}
        self._versions: dict[tuple[str, str], tuple[str, ...]] = {}

    async def refresh(self) -> bool:
        """Ask the API server, and tell whether anything is served otherwise than before.

        Three requests, two of which are answered ``304 Not Modified`` as a rule.

        Raises:
            KubeError: it could not be asked; what was known stays.

        """
        async with self._lock:
            version, surface = await asyncio.gather(
                self._client.get("/version"), read_surface(self._client, self._surface)
            )
            kube_version = str(version.get("gitVersion", ""))
            before = self.kube_version, self._resources, self.api_versions, self.stale
            self._surface = surface
            self.kube_version = kube_version
            self._index(surface)
            return before != (self.kube_version, self._resources, self.api_versions, self.stale)

    def resource(self, gvk: Gvk) -> ApiResource | None:
        """Return how a kind is served in exactly this version, None if it is not."""
        return self._resources.get(gvk)

    def served_versions(self, group: str, kind: str) -> tuple[str, ...]:
        """Return the versions in which a kind is served, the API server's favourite first."""
        return self._versions.get((group, kind), ())

    def scope(self, group: str, kind: str) -> bool | None:
        """Tell whether a kind is namespaced, None if it is not served."""
        for gvk in self.served(group, kind):
            return self._resources[gvk].namespaced
        return None

    def served(self, group: str, kind: str) -> tuple[Gvk, ...]:
        """Return all under which a kind's objects are served, those of its own group first.

        Other groups are those that it has moved to or from.
        """
        return tuple(
            Gvk(other, version, kind)
            for other in sharing_groups(group, kind)
            for version in self.served_versions(other, kind)
        )

    def readable(self, gvk: Gvk) -> list[ApiResource]:
        """Return all as which a kind's objects can be read, the API server's favourite first."""
        found = map(self.resource, self.served(gvk.group, gvk.kind))
        return [resource for resource in found if resource is not None and resource.readable]

    def _index(self, surface: Surface) -> None:
        resources: dict[Gvk, ApiResource] = {}
        versions: dict[tuple[str, str], tuple[str, ...]] = {}
        named: set[str] = set()
        stale: set[str] = set()
        for served in surface.versions:
            named.add(served.api_version)
            named.update(f"{served.api_version}/{kind}" for kind in served.kinds)
            if served.stale:
                stale.add(served.api_version)
            for found in served.resources:
                gvk = Gvk(served.group, served.version, found.kind)
                known = resources.get(gvk)
                # Some kinds are served under two names; the one that can be read is meant.
                if known is not None and ("list" in known.verbs or "list" not in found.verbs):
                    continue
                resources[gvk] = ApiResource(
                    group=gvk.group,
                    version=gvk.version,
                    kind=gvk.kind,
                    plural=found.plural,
                    namespaced=found.namespaced,
                    verbs=found.verbs,
                )
                if known is None:
                    kind = gvk.group, gvk.kind
                    versions[kind] = (*versions.get(kind, ()), gvk.version)
        self._resources = resources
        self._versions = versions
        self.api_versions = tuple(sorted(named))
        self.stale = frozenset(stale)
