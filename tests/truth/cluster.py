"""One control plane as the harness sees it: reads, writes in somebody's name, waits for calm."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any

import orjson

from leadsman.errors import KubeError
from truth.material import yaml_text

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from leadsman.kube.client import Client
    from leadsman.kube.discovery import ApiResource, Discovery
    from leadsman.model.identity import Gvk
    from truth.material import Manifest

_JSON_PATCH = "application/json-patch+json"
_APPLY_PATCH = "application/apply-patch+yaml"
_CALM = 0.5
_PATIENCE = 40.0


class Cluster:
    """Reads and writes of the objects of one control plane."""

    def __init__(self, client: Client, discovery: Discovery) -> None:
        self.client = client
        self.discovery = discovery
        self._documents: dict[str, dict[str, Any]] = {}

    def resource(self, gvk: Gvk) -> ApiResource | None:
        """Return how a kind is served."""
        return self.discovery.resource(gvk)

    async def openapi(self, api_version: str) -> dict[str, Any]:
        """Return the OpenAPI document of a group-version, {} where there is none."""
        if api_version not in self._documents:
            root = "apis" if "/" in api_version else "api"
            try:
                answer = await self.client.exchange("GET", f"/openapi/v3/{root}/{api_version}")
                self._documents[api_version] = json.loads(answer.body)
            except KubeError:
                self._documents[api_version] = {}
        return self._documents[api_version]

    async def try_apply(
        self, body: dict[str, Any], path: str, *, server_side: bool, real: bool = False
    ) -> str:
        """Apply, or only ask whether it would be taken; return why not, "" if it was."""
        head = path.rpartition("/")[0]
        try:
            if server_side:
                text = yaml_text(body).encode()
                await self.client.exchange(
                    "PATCH",
                    path,
                    params={"fieldManager": "truth-setup", "force": "true"}
                    | ({} if real else {"dryRun": "All"}),
                    body=text,
                    headers={"Content-Type": _APPLY_PATCH},
                )
            else:
                await self.client.exchange(
                    "POST",
                    head,
                    params={"dryRun": "All"},
                    body=orjson.dumps(body),
                    headers={"Content-Type": "application/json"},
                )
        except KubeError as error:
            if error.reason == "AlreadyExists":
                return ""
            return f"{error.reason}: {error.message}"
        return ""

    def path(self, manifest: Manifest) -> str:
        """Return the path of an object of a kind that is served."""
        resource = self.resource(manifest.gvk)
        assert resource is not None, manifest
        return resource.path(manifest.namespace, manifest.name)

    async def get(self, manifest: Manifest) -> dict[str, Any] | None:
        """Return an object as it is, None if it is not there."""
        try:
            return await self.client.get(self.path(manifest))
        except KubeError as error:
            if error.status == 404:
                return None
            raise

    async def get_all(self, manifests: Sequence[Manifest]) -> dict[Manifest, dict[str, Any]]:
        """Return those that are there."""
        found = await asyncio.gather(*map(self.get, manifests))
        return {one: live for one, live in zip(manifests, found, strict=True) if live is not None}

    async def settle(self, manifests: Sequence[Manifest]) -> dict[Manifest, dict[str, Any]]:
        """Return all objects when no controller changes them any more."""
        loop = asyncio.get_running_loop()
        deadline = loop.time() + _PATIENCE
        before: dict[Manifest, str] = {}
        while True:
            await asyncio.sleep(_CALM)
            found = await self.get_all(manifests)
            now = {one: essence(live) for one, live in found.items()}
            if now == before and all(map(_observed, found.values())):
                return found
            if loop.time() > deadline:
                return found
            before = now

    async def patch(
        self, manifest: Manifest, operations: Iterable[dict[str, Any]], manager: str
    ) -> dict[str, Any] | None:
        """Patch in a manager's name; return what was stored, None where it was refused."""
        return await self._write(
            "PATCH", manifest, orjson.dumps(list(operations)), _JSON_PATCH, fieldManager=manager
        )

    async def update(
        self, manifest: Manifest, body: dict[str, Any], manager: str
    ) -> dict[str, Any] | None:
        """Replace the whole object in a manager's name, if nobody wrote since it was read."""
        return await self._write(
            "PUT", manifest, orjson.dumps(body), "application/json", fieldManager=manager
        )

    async def apply(
        self, manifest: Manifest, body: dict[str, Any], manager: str
    ) -> dict[str, Any] | None:
        """Apply server-side in a manager's name, taking fields from others."""
        text = yaml_text(body).encode()
        return await self._write(
            "PATCH", manifest, text, _APPLY_PATCH, fieldManager=manager, force="true"
        )

    async def without(self, manifest: Manifest, pointer: str) -> dict[str, Any] | None:
        """Return what would be stored without a place, None where that would be refused."""
        removal = orjson.dumps([{"op": "remove", "path": pointer}])
        return await self._write("PATCH", manifest, removal, _JSON_PATCH, dryRun="All")

    async def _write(
        self, method: str, manifest: Manifest, body: bytes, form: str, **params: str
    ) -> dict[str, Any] | None:
        path = self.path(manifest)
        try:
            answer = await self.client.exchange(
                method, path, params=params, body=body, headers={"Content-Type": form}
            )
        except KubeError:
            return None
        stored: dict[str, Any] = json.loads(answer.body)
        return stored


def essence(live: dict[str, Any] | None) -> str:
    """Return all of an object that is not reported by controllers, "" of none."""
    if live is None:
        return ""
    metadata = {
        key: value
        for key, value in live.get("metadata", {}).items()
        if key not in {"resourceVersion", "managedFields"}
    }
    return json.dumps({**live, "metadata": metadata, "status": None}, sort_keys=True)


def _observed(live: dict[str, Any]) -> bool:
    status = live.get("status")
    observed = status.get("observedGeneration") if isinstance(status, dict) else None
    if live.get("apiVersion", "").startswith("apps/"):
        return bool(observed == live["metadata"].get("generation"))
    return True
