"""Read the ConfigMaps and Secrets that a target names: credentials, Helm values and variables.

They are read once and kept until the watch says that they changed, or until what they were used
for has failed: a target that does not change costs no requests.
"""

from __future__ import annotations

import base64
import binascii
from typing import TYPE_CHECKING, TypeAlias

from leadsman.errors import KubeError, LeadsmanError, RenderError, SourceError
from leadsman.kube.status import NOT_FOUND
from leadsman.model.identity import ObjectKey
from leadsman.model.source import Credentials, GitSource
from leadsman.model.target import HelmOptions, VariablesReference
from leadsman.render.renderer import ValuesDocument

if TYPE_CHECKING:
    from leadsman.kube.client import Client
    from leadsman.model.json import JsonObject
    from leadsman.model.target import Target, ValuesReference

    Reference: TypeAlias = ValuesReference | VariablesReference

_PLURALS = {"ConfigMap": "configmaps", "Secret": "secrets"}


class Lookup:
    """A small cache of the objects that targets name."""

    def __init__(self, client: Client | None) -> None:
        self._client = client
        self._credentials: dict[tuple[str, str], Credentials] = {}
        self._config: dict[ObjectKey, JsonObject | None] = {}
        self._doubtful: set[ObjectKey] = set()
        self.versions: dict[ObjectKey, str] = {}

    async def credentials(self, source: GitSource) -> Credentials:
        """Return the source's credentials.

        Raises:
            SourceError: the Secret is not there, or may not be read.

        """
        where = source.namespace, source.secret
        if where not in self._credentials:
            self._credentials[where] = await self._read_credentials(*where)
        return self._credentials[where]

    def forget_credentials(self, source: GitSource) -> None:
        """Read the source's Secret anew the next time."""
        self._credentials.pop((source.namespace, source.secret), None)

    async def values(self, target: Target) -> tuple[ValuesDocument, ...]:
        """Return the Helm values or the variables that the target takes from the cluster, in order.

        Raises:
            RenderError: an object or key that is not optional is not there.

        """
        documents = []
        for key, reference in _references(target):
            if key not in self._config or key in self._doubtful:
                await self._read(key, reference)
            documents += _documents(key, reference, self._config[key])
        return tuple(documents)

    def forget_values(self, target: Target) -> None:
        """Read what holds the target's values anew the next time.

        Where the API server cannot answer then, what was read before still stands.
        """
        self._doubtful.update(self.dependencies(target))

    def drop(self, target: Target) -> None:
        """Keep nothing of what the target alone may have needed; others read it anew."""
        if isinstance(target.source, GitSource):
            self.forget_credentials(target.source)
        for key in self.dependencies(target):
            self._config.pop(key, None)
            self._doubtful.discard(key)
            self.versions.pop(key, None)

    def dependencies(self, target: Target) -> tuple[ObjectKey, ...]:
        """Return the objects whose change asks for a new render."""
        return tuple(key for key, _ in _references(target))

    async def _read_credentials(self, namespace: str, name: str) -> Credentials:
        try:
            secret = await self._get(ObjectKey("", "Secret", namespace, name))
        except KubeError as error:
            raise SourceError(
                "SecretNotReadable",
                f"Secret {namespace}/{name} (spec.secretRef) cannot be read: {error.message}",
                retryable=True,
            ) from error
        if secret is None:
            raise SourceError(
                "SecretNotFound",
                f"Secret {namespace}/{name} (spec.secretRef) is not there: create it in the "
                "DriftCheck's namespace",
                retryable=True,
            )
        return Credentials(
            {
                key: _decode(text, f"Secret {namespace}/{name}", key)
                for key, text in (secret.get("data") or {}).items()
            }
        )

    async def _read(self, key: ObjectKey, reference: Reference) -> None:
        # Before it is asked for: what changes meanwhile makes it doubtful again.
        self._doubtful.discard(key)
        try:
            self._config[key] = await self._get(key)
        except KubeError as error:
            self._doubtful.add(key)
            if error.retryable and key in self._config:
                return
            raise RenderError(
                "ValuesNotReadable",
                f"{_where(key, reference)} cannot be read: {error.message}",
                retryable=True,
            ) from error

    async def _get(self, key: ObjectKey) -> JsonObject | None:
        if self._client is None:
            raise KubeError("NoCluster", "no cluster was given", retryable=False)
        path = f"/api/v1/namespaces/{key.namespace}/{_PLURALS[key.kind]}/{key.name}"
        try:
            found = await self._client.get(path)
        except KubeError as error:
            if error.status == NOT_FOUND:
                self.versions[key] = ""
                return None
            raise
        self.versions[key] = str(found.get("metadata", {}).get("resourceVersion", ""))
        return found


def _references(target: Target) -> list[tuple[ObjectKey, Reference]]:
    named: tuple[Reference, ...] = ()
    if isinstance(target.render, HelmOptions):
        named = target.render.values_from
    elif target.flux is not None:
        named = target.flux.variables_from
    return [
        (ObjectKey("", reference.kind, target.key.namespace, reference.name), reference)
        for reference in named
    ]


def _documents(
    key: ObjectKey, reference: Reference, found: JsonObject | None
) -> list[ValuesDocument]:
    where = _where(key, reference)
    if found is None:
        if reference.optional:
            return []
        raise RenderError("ValuesNotFound", f"{where} is not there", retryable=True)
    data = found.get("data") or {}
    if isinstance(reference, VariablesReference):
        return [_document(key, name, text, name) for name, text in sorted(data.items())]
    text = data.get(reference.values_key)
    if text is None:
        if reference.optional:
            return []
        raise RenderError(
            "ValuesNotFound", f"{where} has no key {reference.values_key!r}", retryable=True
        )
    return [_document(key, reference.values_key, text, reference.target_path)]


def _document(key: ObjectKey, name: str, text: str, path: str) -> ValuesDocument:
    """Read one key of an object; ``path`` is what it is the value for."""
    if key.kind != "Secret":
        return ValuesDocument(text, path)
    data = _decode(text, f"Secret {key.namespace}/{key.name}", name)
    return ValuesDocument(data.decode("utf-8", "replace"), path, secret=True)


def _where(key: ObjectKey, reference: Reference) -> str:
    is_variables = isinstance(reference, VariablesReference)
    field = "spec.postBuild.substituteFrom" if is_variables else "spec.helm.valuesFrom"
    return f"{key.kind} {key.namespace}/{key.name} ({field})"


def _decode(text: str, where: str, key: str) -> bytes:
    try:
        return base64.b64decode(text)
    except (binascii.Error, ValueError) as error:
        raise LeadsmanError("InvalidSecret", f"{where}: key {key!r} is not base64") from error
