"""A Kustomization of Flux becomes a ``Target``: what it has applied last is what has to be there.

Source: kustomize-controller ``api/v1/kustomization_types.go``, source-controller
``api/v1/gitrepository_types.go``; what Leadsman cannot do yet is refused by the field's name.
"""

from __future__ import annotations

import posixpath
import re
from typing import TYPE_CHECKING, Final

from leadsman.errors import DeliveryError, SpecError
from leadsman.model.identity import TargetKey
from leadsman.model.source import GitRef, GitSource
from leadsman.model.target import (
    FluxBuild,
    IgnoreRule,
    KustomizeOptions,
    ObjectSelector,
    Target,
    VariablesReference,
)
from leadsman.targets.flux.status import last_applied
from leadsman.targets.spec import Fields

if TYPE_CHECKING:
    from leadsman.model.json import JsonObject

GROUP: Final = "kustomize.toolkit.fluxcd.io"
KIND: Final = "Kustomization"
GIT_REPOSITORY: Final = "GitRepository"
# The field manager that applies.
MANAGER: Final = "kustomize-controller"

# What is only made where it is not there may be anything afterwards, but not be gone.
_MADE_ONCE: Final = f"{GROUP}/ssa=IfNotPresent"
_ONCE: Final = tuple(
    IgnoreRule(paths=("/*",), target=selector, origin=f"{GROUP}/ssa: IfNotPresent")
    for selector in (
        ObjectSelector(label_selector=_MADE_ONCE),
        ObjectSelector(annotation_selector=_MADE_ONCE),
    )
)
_IMAGE: Final = ("name", "newName", "newTag", "digest")
_SHA: Final = re.compile(r"(?:(?P<name>.+)@)?sha(?:1|256):(?P<sha>[0-9a-f]{40}|[0-9a-f]{64})")


def key_of(resource: JsonObject) -> TargetKey:
    """Return the key of a Kustomization's target."""
    metadata = resource.get("metadata") or {}
    return TargetKey(KIND, metadata.get("namespace", ""), metadata.get("name", ""))


def source_key(resource: JsonObject) -> TargetKey:
    """Return the kind, namespace and name of a Kustomization's source."""
    reference = (resource.get("spec") or {}).get("sourceRef") or {}
    namespace = reference.get("namespace") or key_of(resource).namespace
    return TargetKey(str(reference.get("kind")), str(namespace), str(reference.get("name")))


def target_from(resource: JsonObject, source: JsonObject | None) -> Target:
    """Return the target that a Kustomization is, as it was applied last.

    ``source`` is the GitRepository that it names, None where that is not there.

    Raises:
        DeliveryError: nothing has been applied yet, or its source is not there.
        SpecError: it asks for what Leadsman cannot do.

    """
    key = key_of(resource)
    spec = Fields("spec", resource.get("spec") or {})
    for name, why in (
        ("kubeConfig", "it delivers to another cluster, and Leadsman compares with this one"),
        ("decryption", "Leadsman cannot decrypt what SOPS has encrypted yet"),
    ):
        if spec.has(name):
            raise SpecError(f"spec.{name}: {why}", reason="NotSupported")
    applied = last_applied(resource)
    if applied is None:
        raise DeliveryError("NotApplied", "Flux has not applied anything of it yet")
    metadata = resource.get("metadata") or {}
    return Target(
        key=key,
        source=_source(spec, resource, source, applied.revision),
        uid=str(metadata.get("uid", "")),
        generation=int(metadata.get("generation", 0)),
        # As Flux does it, a path cannot leave the repository.
        path=posixpath.normpath("/" + spec.text("path")).lstrip("/"),
        render=_kustomize(spec),
        target_namespace=spec.text("targetNamespace"),
        allow_empty=True,
        manager=MANAGER,
        ignore=(*_ONCE, *(_rule(rule) for rule in spec.objects("ignore"))),
        flux=_build(key, spec.object("postBuild"), applied.digest),
    )


def _source(
    spec: Fields, resource: JsonObject, source: JsonObject | None, revision: str
) -> GitSource:
    key = source_key(resource)
    if key.kind != GIT_REPOSITORY:
        raise SpecError(
            f"spec.sourceRef: {key.kind} cannot be read yet, only {GIT_REPOSITORY}",
            reason="NotSupported",
        )
    if source is None:
        raise DeliveryError("SourceNotFound", f"its source, {key}, is not there")
    found = _SHA.fullmatch(revision)
    if found is None:
        raise DeliveryError(
            "RevisionNotKnown", f'what Flux applied, "{revision}", names no commit of Git'
        )
    fields = Fields(f"{key}: spec", source.get("spec") or {})
    for name in ("include", "proxySecretRef"):
        if fields.has(name):
            raise SpecError(f"{key}: spec.{name} cannot be followed yet", reason="NotSupported")
    secret = fields.object("secretRef")
    return GitSource(
        url=fields.required("url"),
        ref=GitRef(name=found["name"] or "", commit=found["sha"]),
        namespace=key.namespace,
        secret=secret.required("name") if secret is not None else "",
        interval=spec.seconds("interval", "10m"),
        timeout=fields.seconds("timeout", "60s") or 60.0,
        ignore=fields.text("ignore") if fields.has("ignore") else None,
        recurse_submodules=fields.flag("recurseSubmodules"),
    )


def _kustomize(spec: Fields) -> KustomizeOptions:
    metadata = spec.object("commonMetadata") or Fields("spec.commonMetadata", {})
    return KustomizeOptions(
        name_prefix=spec.text("namePrefix"),
        name_suffix=spec.text("nameSuffix"),
        patches=tuple(_patch(patch) for patch in spec.objects("patches")),
        images=tuple(
            {name: text for name in _IMAGE if (text := image.text(name))}
            for image in spec.objects("images")
        ),
        components=spec.texts("components"),
        ignore_missing_components=spec.flag("ignoreMissingComponents"),
        common_labels=metadata.text_map("labels"),
        common_annotations=metadata.text_map("annotations"),
        build_metadata=spec.texts("buildMetadata"),
    )


def _patch(fields: Fields) -> JsonObject:
    patch: JsonObject = {"patch": fields.text("patch")}
    if target := fields.text_map("target"):
        patch["target"] = target
    return patch


def _build(key: TargetKey, post_build: Fields | None, digest: str) -> FluxBuild:
    if post_build is None:
        return FluxBuild(key.name, key.namespace, digest=digest)
    references = [
        VariablesReference(
            kind=each.choice("kind", ("ConfigMap", "Secret")),
            name=each.required("name"),
            optional=each.flag("optional"),
        )
        for each in post_build.objects("substituteFrom")
    ]
    return FluxBuild(
        key.name,
        key.namespace,
        variables=post_build.text_map("substitute"),
        variables_from=tuple(references),
        always=post_build.text("substituteStrategy") == "Always",
        digest=digest,
    )


def _rule(fields: Fields) -> IgnoreRule:
    selector = fields.object("target") or Fields(fields.at("target"), {})
    return IgnoreRule(
        paths=fields.texts("paths"),
        target=ObjectSelector(
            group=selector.text("group"),
            version=selector.text("version"),
            kind=selector.text("kind"),
            namespace=selector.text("namespace"),
            name=selector.text("name"),
            label_selector=selector.text("labelSelector"),
            annotation_selector=selector.text("annotationSelector"),
        ),
        origin=fields.path,
    )
