"""Kustomize: a kustomization with the target's options laid over it, built by the real program.

The options change the kustomization itself, as Flux does it, and not one on top of it: a patch or a
prefix means something else there. The changed file stands in a scratch folder in which links to the
checkout's files surround it.

Source: ``kustomize_generator.go`` in fluxcd/pkg, ``SetCommonMetadata`` in fluxcd/pkg ``ssa``.
"""

from __future__ import annotations

import posixpath
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Final, TypeGuard

import orjson

from leadsman.errors import RenderError
from leadsman.render.builder import YamlError
from leadsman.render.checkout import list_folder, walk
from leadsman.render.decoder import parse
from leadsman.render.documents import Documents, Manifest
from leadsman.render.flux.postbuild import digest_of
from leadsman.render.kustomization import (
    FILE_NAMES,
    Survey,
    find_kustomization,
    lower_keys,
    read_kustomization,
)
from leadsman.render.messages import note, scrub, shorten, shown
from leadsman.render.origins import asks_for_origins, kind_of, read_origins, with_origins
from leadsman.render.threads import in_thread

if TYPE_CHECKING:
    from pathlib import Path

    from leadsman.model.json import JsonObject
    from leadsman.model.target import KustomizeOptions
    from leadsman.render.checkout import Checkout
    from leadsman.render.flux.postbuild import PostBuild
    from leadsman.render.program import Program
    from leadsman.render.sandbox import Outcome, Sandbox

# Kustomize calls any of its files so.
_EMPTY: Final = "kustomization.yaml is empty"
# What a link is called that stands for a resource whose name no YAML can hold.
_LINK: Final = "leadsman-resource-"
# Of an image: either of which says which version it is.
_VERSION: Final = frozenset({"newTag", "digest"})
_HEADER: Final = {
    "apiVersion": "kustomize.config.k8s.io/v1beta1",
    "kind": "Kustomization",
}


@dataclass(frozen=True, slots=True)
class KustomizePlan:
    """What is to be built: ``body`` is the kustomization in ``folder``, options laid over it."""

    kind: ClassVar[str] = "Kustomize"

    folder: str
    file: str
    body: JsonObject
    options: KustomizeOptions
    warnings: tuple[str, ...]
    post_build: PostBuild | None = None

    def key(self) -> list[object] | None:
        """Return what the result depends on besides files; None if it is not to be kept.

        That is so with variables from Secrets: what is rendered from them stays in memory.
        """
        if self.post_build is not None and self.post_build.secret:
            return None
        return [self.folder, self.body, self.options, self.post_build]

    @property
    def labels(self) -> dict[str, str]:
        """The labels of all objects: those of who owns them, over them the common ones."""
        owner = self.post_build.labels if self.post_build is not None else {}
        return {**owner, **self.options.common_labels}


def plan_kustomize(
    checkout: Checkout,
    folder: str,
    options: KustomizeOptions,
    namespace: str,
    post_build: PostBuild | None = None,
) -> KustomizePlan:
    """Read the kustomization in a located folder and check all that it refers to.

    ``namespace`` not empty: all objects are put there. ``post_build`` is what Flux does then, where
    it delivers. Raises RenderError.
    """
    survey = Survey(checkout)
    file = find_kustomization(checkout, folder)
    if file is None:
        file = posixpath.join(folder, FILE_NAMES[0])
        body = {**_HEADER, "resources": list(_found_resources(checkout, folder))}
    else:
        body = read_kustomization(checkout, file, survey.warnings)
        if post_build is not None and not lower_keys(body).get("resources"):
            # Flux asks for them where it fears that kustomize finds the file to be empty.
            body = with_origins(body, instead=True)
    laid = _lay_over(checkout, folder, body, options, namespace)
    survey.visit(folder, file, laid)
    return KustomizePlan(folder, file, laid, options, tuple(survey.warnings), post_build)


async def build(
    plan: KustomizePlan, checkout: Checkout, program: Program, sandbox: Sandbox, scratch: Path
) -> Documents:
    """Run kustomize. Raises RenderError."""
    made = await in_thread(_surround, checkout, plan, scratch / "tree")

    async def run(body: JsonObject) -> Outcome:
        await in_thread(made.kustomization.write_bytes, orjson.dumps(body))
        return await sandbox.run(
            program,
            [
                *("build", "--load-restrictor", "LoadRestrictionsNone"),
                # Which Flux, by leaving the order open, leaves as it is: its hash depends on it.
                *(("--reorder", "none") if plan.post_build is not None else ()),
                str(made.kustomization.parent),
            ],
            scratch=scratch,
            read=(checkout.root, scratch / "tree"),
        )

    outcome = await run(made.body)
    if outcome.status != 0:
        said = scrub(outcome.stderr, {checkout.root: "", scratch / "tree": ""})
        if _message(said) == _EMPTY:
            # Whether that is meant, the target says.
            return Documents((), plan.warnings, digest_of(b"") if plan.post_build else "")
        raise RenderError(
            "BuildFailed",
            f"kustomize build {plan.folder or '.'}: {_message(said)}",
            retryable=False,
        )
    origins = outcome
    if not asks_for_origins(made.body):
        # Whatever becomes of it, the objects are known.
        with suppress(RenderError):
            origins = await run(with_origins(made.body))
    return await in_thread(_documents, plan, made, outcome.stdout, origins.stdout)


def _lay_over(
    checkout: Checkout, folder: str, body: JsonObject, options: KustomizeOptions, namespace: str
) -> JsonObject:
    names = {name.lower(): name for name in body}
    laid = dict(body)

    def put(name: str, value: object) -> None:
        if value:
            laid[names.get(name.lower(), name)] = value

    def old(name: str) -> list[object]:
        return _list(body.get(names.get(name.lower(), name)))

    put("namespace", namespace)
    put("namePrefix", options.name_prefix)
    put("nameSuffix", options.name_suffix)
    put("patches", [*old("patches"), *options.patches])
    put("images", _merge_images(old("images"), options.images))
    put("components", [*old("components"), *_components(checkout, folder, options)])
    put("buildMetadata", list(options.build_metadata))
    return laid


def _merge_images(images: list[object], over: tuple[JsonObject, ...]) -> list[object]:
    """Lay each image over the first one of the same name; tag and digest are one choice."""
    merged = list(images)
    for image in over:
        same = [
            (index, item)
            for index, item in enumerate(merged)
            if isinstance(item, dict) and item.get("name") == image.get("name")
        ]
        if not same:
            merged.append(image)
            continue
        index, before = same[0]
        if image.keys() & _VERSION:
            before = {name: value for name, value in before.items() if name not in _VERSION}
        merged[index] = {**before, **image}
    return merged


def _components(checkout: Checkout, folder: str, options: KustomizeOptions) -> list[str]:
    if not options.ignore_missing_components:
        return list(options.components)
    found = []
    for component in options.components:
        path = posixpath.normpath(posixpath.join(folder, component))
        if path.startswith(("/", "../")) or find_kustomization(checkout, path) is not None:
            found.append(component)
    return found


def _found_resources(checkout: Checkout, top: str) -> list[str]:
    """Return what makes up a folder without a kustomization, as Flux generates one."""
    checkout.note(top)
    found: list[str] = []

    def wanted(path: str, _entry: object) -> bool:
        """Look into folders that are no kustomizations of their own."""
        if find_kustomization(checkout, posixpath.join(top, path)) is None:
            return True
        found.append(path)
        return False

    for path, entry in walk(checkout.root / top, wanted):
        if entry.name.endswith((".yaml", ".yml")):
            found.append(path)
    return found


@dataclass(frozen=True, slots=True)
class _Tree:
    """Where a kustomization stands, and its ``body`` there.

    ``links`` stand for resources whose names YAML cannot hold, and map to these.
    """

    kustomization: Path
    body: JsonObject
    links: dict[str, str]


def _surround(checkout: Checkout, plan: KustomizePlan, tree: Path) -> _Tree:
    """Make a place for the kustomization, with links to all that is beside it and above it.

    Of the checkout's folders only those on the way are made; kustomize follows the other links to
    the checkout itself.
    """
    here, original = tree, checkout.root
    here.mkdir()
    for part in [*filter(None, plan.folder.split("/")), None]:
        for entry in list_folder(original):
            if entry.name != part and not (part is None and entry.name in FILE_NAMES):
                (here / entry.name).symlink_to(entry.path)
        if part is not None:
            here, original = here / part, original / part
            here.mkdir()
    links: dict[str, str] = {}
    body = plan.body
    if any(shown(entry) != entry for entry in filter(_is_text, _list(body.get("resources")))):
        resources = []
        for number, entry in enumerate(body["resources"]):
            named = entry
            if shown(entry) != entry:
                named = f"{_LINK}{number}{posixpath.splitext(shown(entry))[1]}"
                (here / named).symlink_to(original / entry)
                links[named] = entry
            resources.append(named)
        body = {**body, "resources": resources}
    return _Tree(here / posixpath.basename(plan.file), body, links)


def _is_text(value: object) -> TypeGuard[str]:
    return isinstance(value, str)


def _documents(plan: KustomizePlan, made: _Tree, output: bytes, origins: bytes) -> Documents:
    warnings = list(plan.warnings)
    digest = ""
    if plan.post_build is not None:
        output = plan.post_build.applied_to(output)
        digest = digest_of(output)
    try:
        found = parse(
            output, lambda _line, key: note(warnings, f"the key {shorten(key)!r} stands twice")
        )
    except YamlError as error:
        raise RenderError(
            error.reason or "InvalidYAML", f"the output of kustomize: {error}", retryable=False
        ) from error
    files = read_origins(origins, [kind_of(item.value) for item in found], made.links)
    manifests = []
    for document, file in zip(found, files, strict=True):
        if isinstance(document.value, dict):
            if plan.post_build is not None and plan.post_build.leaves_out(document.value):
                continue
            _set_common(document.value, plan.labels, plan.options.common_annotations)
        path = posixpath.normpath(posixpath.join(plan.folder, file)) if file else plan.file
        manifests.append(Manifest(document.value, path))
    return Documents(tuple(manifests), tuple(warnings), digest)


def _set_common(body: JsonObject, labels: dict[str, str], annotations: dict[str, str]) -> None:
    """Set the common labels and annotations on the object itself, over its own."""
    for field, common in (("labels", labels), ("annotations", annotations)):
        if common and isinstance(metadata := body.setdefault("metadata", {}), dict):
            own = metadata.get(field)
            metadata[field] = {**(own if isinstance(own, dict) else {}), **common}


def _message(said: str) -> str:
    """Leave of what kustomize says the error itself."""
    lines = [line for line in said.splitlines() if not line.startswith("# Warning:")]
    return "\n".join(lines).removeprefix("Error: ") or "failed without a word"


def _list(value: object) -> list[object]:
    return list(value) if isinstance(value, list) else []
