"""The objects of all cases: rendered, each distinct one once, in batches that can live together."""

from __future__ import annotations

import asyncio
import hashlib
import json
import random
import re
from collections import Counter
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from leadsman.errors import LeadsmanError
from leadsman.model.identity import Gvk, TargetKey
from leadsman.model.source import Artifact, Commit, LocalSource
from leadsman.model.target import Target
from leadsman.render.renderer import ClusterFacts, Renderer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from truth.cases import Case

# What may not stand as it is in YAML, though it may in JSON. Escapes of surrogates, which is how
# JSON writes what lies beyond U+FFFF in ASCII, YAML does not know.
_UNPRINTABLE = re.compile("[\x7f-\x9f\u2028\u2029\ufeff\ufffe\uffff]")
CRD = Gvk("apiextensions.k8s.io", "v1", "CustomResourceDefinition")
_HOOK = "helm.sh/hook"
# Our own objects keep nobody out.
OWN = "kinds"
# What nobody answers for here, and yet is asked before others are written.
_GATES = frozenset(
    {
        "APIService",
        "MutatingAdmissionPolicyBinding",
        "MutatingWebhookConfiguration",
        "ValidatingAdmissionPolicyBinding",
        "ValidatingWebhookConfiguration",
    }
)
# What a cluster has of its own: not ours to deliver.
_RESERVED = frozenset({"default", "kube-system", "kube-public", "kube-node-lease"})


def yaml_text(body: Any) -> str:
    """Write a document in JSON that is YAML, too."""
    text = json.dumps(body, ensure_ascii=False)
    return _UNPRINTABLE.sub(lambda match: f"\\u{ord(match[0]):04x}", text)


@dataclass(frozen=True, slots=True)
class Manifest:
    """One object to deliver; ``case`` says where it comes from."""

    gvk: Gvk
    namespace: str
    name: str
    body: dict[str, Any] = field(hash=False, compare=False)
    case: str = ""

    @property
    def place(self) -> tuple[str, str, str, str]:
        """What no two objects of a cluster share."""
        return self.gvk.group, self.gvk.kind, self.namespace, self.name

    def __str__(self) -> str:
        return f"{self.gvk} {self.namespace}/{self.name} ({self.case})"


@dataclass(slots=True)
class Batch:
    """Manifests of which no two are the same object; ``crds`` must be there before, undelivered."""

    name: str
    manifests: list[Manifest] = field(default_factory=list)
    crds: list[dict[str, Any]] = field(default_factory=list)


@dataclass(slots=True)
class Material:
    """What was rendered, the definitions of custom resources among it, and what did not render."""

    manifests: list[Manifest] = field(default_factory=list)
    definitions: dict[tuple[str, str], dict[str, Any]] = field(default_factory=dict)
    refused: Counter[str] = field(default_factory=Counter)

    def sample(self, count: int, seed: int) -> None:
        """Keep only so many objects, of as many kinds as can be; our own are all kept."""
        rng = random.Random(seed)  # noqa: S311 - no secret
        mixed = list(self.manifests)
        rng.shuffle(mixed)
        seen: Counter[Gvk] = Counter()
        ranked = []
        for one in mixed:
            ranked.append((seen[one.gvk], one.case, one))
            seen[one.gvk] += 1
        ranked.sort(key=lambda each: each[0])
        kept = {id(one) for _, _, one in ranked[:count]}
        self.manifests = [one for one in self.manifests if id(one) in kept or one.case == OWN]


async def render(
    cases: Iterable[Case], *, version: str, scope: Callable[[str, str], bool | None]
) -> Material:
    """Render all cases; an object that only its namespace tells from another one counts once."""
    renderer = Renderer(parallel=2)
    facts = ClusterFacts(kube_version=version, scope=scope)
    material = Material()
    listed = list(cases)
    seen: set[bytes] = set()
    for case, objects in zip(
        listed,
        await asyncio.gather(*(_render(renderer, case, facts) for case in listed)),
        strict=True,
    ):
        if isinstance(objects, str):
            material.refused[objects] += 1
            continue
        for manifest in objects:
            digest = _digest(manifest, case.place)
            if digest not in seen:
                seen.add(digest)
                material.manifests.append(manifest)
                _define(material, manifest)
    # What is cluster-scoped was not known before the definitions were.
    material.manifests = [_placed(one, material.definitions) for one in material.manifests]
    return material


def _placed(manifest: Manifest, definitions: Mapping[tuple[str, str], dict[str, Any]]) -> Manifest:
    """Return a manifest without a namespace where its kind has none, whatever it says."""
    definition = definitions.get((manifest.gvk.group, manifest.gvk.kind), {})
    if (definition.get("spec") or {}).get("scope") != "Cluster":
        return manifest
    return replace(manifest, namespace="")


async def _render(renderer: Renderer, case: Case, facts: ClusterFacts) -> list[Manifest] | str:
    target = Target(
        TargetKey("DriftCheck", case.place, "truth"),
        LocalSource(case.root),
        path=case.path,
        render=case.render,
    )
    try:
        artifact = Artifact(Commit("abc", "main@sha1:abc"), case.root)
        rendered = await renderer.render(artifact, target, facts)
    except LeadsmanError as error:
        return error.reason
    manifests = []
    for one in rendered.objects:
        body = json.loads(one.body)
        hooked = _HOOK in (body["metadata"].get("annotations") or {})
        if not hooked and not (one.gvk.kind == "Namespace" and one.key.name in _RESERVED):
            manifests.append(Manifest(one.gvk, one.key.namespace, one.key.name, body, case.name))
    return manifests


def _digest(manifest: Manifest, namespace: str) -> bytes:
    """Hash an object without its namespace, and without the case's wherever it stands."""
    metadata = {k: v for k, v in manifest.body["metadata"].items() if k != "namespace"}
    text = json.dumps({**manifest.body, "metadata": metadata}, sort_keys=True)
    return hashlib.sha256(text.replace(namespace, "").encode()).digest()


def _define(material: Material, manifest: Manifest) -> None:
    kind = _defines(manifest)
    if kind is not None:
        material.definitions.setdefault(kind, manifest.body)


def _defines(manifest: Manifest) -> tuple[str, str] | None:
    """Return the group and kind that a definition brings."""
    spec = manifest.body.get("spec") or {}
    if manifest.gvk != CRD or not {"group", "names", "versions"} <= spec.keys():
        return None
    return spec["group"], spec["names"]["kind"]


def batches(material: Material, builtin: Callable[[Gvk], bool], size: int) -> list[Batch]:
    """Part manifests into batches of about ``size``, those of one case together where it can be.

    ``builtin`` tells the kinds of an empty cluster. Custom resources whose definition nobody has
    are left out, and counted as refused.
    """
    made: list[Batch] = []
    taken: list[set[tuple[str, str, str, str]]] = []
    gates: list[bool] = []
    for case in _by_case(material.manifests):
        gate = _is_gate(case[0])
        rest = [one for one in case if builtin(one.gvk) or _defined(material, one.gvk)]
        material.refused["NoDefinition"] += len(case) - len(rest)
        for number, places in enumerate(taken):
            fits = len(made[number].manifests) + len(rest) <= size and gates[number] is gate
            if fits and not any(one.place in places for one in rest):
                break
        else:
            number = len(made)
            made.append(Batch(f"batch-{number}"))
            taken.append(set())
            gates.append(gate)
        made[number].manifests += rest
        taken[number].update(one.place for one in rest)
    for batch in made:
        batch.crds = _needed(material, batch, builtin)
    return made


def _is_gate(manifest: Manifest) -> bool:
    """Tell whether an object would keep others out."""
    return manifest.gvk.kind in _GATES and manifest.case != OWN


def _by_case(manifests: Sequence[Manifest]) -> list[list[Manifest]]:
    """Part manifests by case, and what would keep the rest out into cases of its own."""
    cases: dict[tuple[str, bool], list[Manifest]] = {}
    for manifest in manifests:
        cases.setdefault((manifest.case, _is_gate(manifest)), []).append(manifest)
    ordered = sorted(cases.items(), key=lambda item: (item[0][1], -len(item[1])))
    return [case for _, case in ordered]


def _defined(material: Material, gvk: Gvk) -> bool:
    definition = material.definitions.get((gvk.group, gvk.kind))
    versions = definition["spec"]["versions"] if definition else ()
    return any(one["name"] == gvk.version and one.get("served") for one in versions)


def _needed(
    material: Material, batch: Batch, builtin: Callable[[Gvk], bool]
) -> list[dict[str, Any]]:
    brought = {_defines(one) for one in batch.manifests}
    kinds = {(one.gvk.group, one.gvk.kind) for one in batch.manifests if not builtin(one.gvk)}
    return [material.definitions[kind] for kind in sorted(kinds - brought)]
