"""A DriftCheck becomes a ``Target``.

The schema and its rules are in ``crds/driftchecks.leadsman.dev.yaml``; what is checked here again
holds for a file that no API server has seen, and what only Python can check is checked here alone.
"""

from __future__ import annotations

import re
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from leadsman.errors import SpecError
from leadsman.expressions import expression
from leadsman.model.identity import TargetKey
from leadsman.model.source import GitRef, GitSource
from leadsman.model.target import (
    HelmOptions,
    IgnoreRule,
    KustomizeOptions,
    ObjectSelector,
    PlainOptions,
    RenderOptions,
    Target,
    ValuesReference,
)
from leadsman.targets.spec import Fields

if TYPE_CHECKING:
    from leadsman.model.json import JsonObject

API_VERSION = "leadsman.dev/v1alpha1"
KIND = "DriftCheck"

_URL = r"(http|https|ssh)://.*"
_PASSWORD_IN_URL = re.compile(r"[a-z]+://[^/]*:[^/]*@")
_COMMIT = r"[0-9a-fA-F]{40}|[0-9a-fA-F]{64}"
_DNS_LABEL = r"[a-z0-9]([-a-z0-9]*[a-z0-9])?"
_RELEASE_NAME = rf"{_DNS_LABEL}(\.{_DNS_LABEL})*"
_JSON_POINTER = re.compile(r"(/([^~/]|~[01])*)*")


def key_of(resource: JsonObject) -> TargetKey:
    """Return the key of a DriftCheck's target, which its DriftReport has, too."""
    metadata = resource.get("metadata") or {}
    return TargetKey(KIND, metadata.get("namespace", ""), metadata.get("name", ""))


def target_from(resource: JsonObject) -> Target:
    """Return the target that a DriftCheck asks for, with the CRD's defaults applied.

    ``resource`` is the object as decoded from JSON or YAML. Raises a ``SpecError`` that names the
    field. What depends on where it is used stays empty: a release name or target namespace that
    is not set, and the branch when no reference is.
    """
    if resource.get("kind") != KIND or resource.get("apiVersion") != API_VERSION:
        raise SpecError(
            f"not a {KIND} of {API_VERSION}: its kind is {resource.get('kind')!r}, "
            f"its apiVersion {resource.get('apiVersion')!r}"
        )
    metadata = Fields("metadata", resource.get("metadata") or {})
    key = TargetKey(KIND, metadata.text("namespace"), metadata.required("name"))
    spec = Fields("spec", resource.get("spec") or {})
    source = _source(spec, key.namespace)
    report_added, manager, ignore = _compare(spec.object("compare"))
    target = Target(
        key=key,
        source=source,
        uid=metadata.text("uid"),
        generation=metadata.number("generation"),
        path=_path(spec),
        render=_render(spec),
        target_namespace=spec.text(
            "targetNamespace", pattern=_DNS_LABEL, hint="the name of a namespace"
        ),
        allow_empty=spec.flag("allowEmpty"),
        suspended=spec.flag("suspend"),
        report_added=report_added,
        trusted=_trusted(spec.object("managers")),
        manager=manager,
        ignore=ignore,
    )
    spec.close()
    return target


def _source(spec: Fields, namespace: str) -> GitSource:
    source = GitSource(
        url=_url(spec),
        ref=_ref(spec.object("ref")),
        namespace=namespace,
        secret=_secret(spec.object("secretRef")),
        interval=spec.seconds("interval", "1m", least=1.0),
        timeout=spec.seconds("timeout", "60s"),
        ignore=spec.text("ignore") if spec.has("ignore") else None,
        recurse_submodules=spec.flag("recurseSubmodules"),
    )
    if not source.timeout:
        raise spec.error("timeout", "must be more than 0s")
    return source


def _url(spec: Fields) -> str:
    url = spec.required("url")
    # Neither error repeats the URL: what is wrong with it may be the secret in it.
    if not re.fullmatch(_URL, url):
        raise spec.error("url", "must begin with http://, https:// or ssh://")
    if _PASSWORD_IN_URL.match(url):
        raise spec.error(
            "url", "may not hold a password or token; put it into a Secret named in secretRef"
        )
    return url


def _ref(ref: Fields | None) -> GitRef:
    if ref is None:
        return GitRef()
    result = GitRef(
        branch=ref.text("branch"),
        tag=ref.text("tag"),
        semver=ref.text("semver"),
        name=ref.text("name"),
        commit=ref.text("commit", pattern=_COMMIT, hint="a full commit hash").lower(),
    )
    ref.close()
    fixed = [f for f in ("tag", "semver", "name") if getattr(result, f)]
    chosen = (["branch"] if result.branch else []) + fixed
    if len(chosen) > 1:
        raise SpecError(
            f"{ref.path}: at most one of branch, tag, semver and name may be set, "
            f"not {' and '.join(chosen)}"
        )
    if result.commit and fixed:
        raise SpecError(
            f"{ref.path}: commit may be set alone or beside branch only, not beside {fixed[0]}"
        )
    return result


def _secret(reference: Fields | None) -> str:
    if reference is None:
        return ""
    name = reference.required("name")
    reference.close()
    return name


def _path(spec: Fields) -> str:
    """Return the path relative to the repository's root, ``""`` for the root itself."""
    path = PurePosixPath("/", spec.text("path"))
    if ".." in path.parts:
        raise spec.error("path", 'may not leave the repository, so it may have no ".." in it')
    return "/".join(path.parts[1:])


def _render(spec: Fields) -> RenderOptions | None:
    kustomize, helm, plain = (spec.object(name) for name in ("kustomize", "helm", "plain"))
    chosen = [fields for fields in (kustomize, helm, plain) if fields is not None]
    if len(chosen) > 1:
        raise SpecError(f"{spec.path}: at most one of kustomize, helm and plain may be set")
    options: RenderOptions | None = None
    if kustomize is not None:
        options = _kustomize(kustomize)
    elif helm is not None:
        options = _helm(helm)
    elif plain is not None:
        options = PlainOptions(
            recurse=plain.flag("recurse", default=True),
            include=plain.texts("include"),
            exclude=plain.texts("exclude"),
        )
    for fields in chosen:
        fields.close()
    return options


def _kustomize(fields: Fields) -> KustomizeOptions:
    metadata = fields.object("commonMetadata") or Fields(fields.at("commonMetadata"), {})
    options = KustomizeOptions(
        name_prefix=fields.text("namePrefix"),
        name_suffix=fields.text("nameSuffix"),
        patches=tuple(_patch(patch) for patch in fields.objects("patches")),
        images=tuple(_image(image) for image in fields.objects("images")),
        components=fields.texts("components"),
        ignore_missing_components=fields.flag("ignoreMissingComponents"),
        common_labels=metadata.text_map("labels"),
        common_annotations=metadata.text_map("annotations"),
    )
    metadata.close()
    return options


def _patch(fields: Fields) -> JsonObject:
    patch: JsonObject = {"patch": fields.required("patch")}
    if target := fields.text_map("target"):
        patch["target"] = target
    fields.close()
    return patch


def _image(fields: Fields) -> JsonObject:
    image = {"name": fields.required("name")}
    image |= {k: v for k in ("newName", "newTag", "digest") if (v := fields.text(k))}
    fields.close()
    return image


def _helm(fields: Fields) -> HelmOptions:
    return HelmOptions(
        release_name=fields.text(
            "releaseName", pattern=_RELEASE_NAME, hint="a valid name of a Helm release"
        ),
        values_files=fields.texts("valuesFiles"),
        values=fields.free_object("values"),
        values_from=tuple(_values_reference(entry) for entry in fields.objects("valuesFrom")),
        skip_crds=fields.flag("skipCRDs"),
        skip_tests=fields.flag("skipTests", default=True),
        kube_version=fields.text("kubeVersion"),
        api_versions=fields.texts("apiVersions"),
    )


def _values_reference(fields: Fields) -> ValuesReference:
    reference = ValuesReference(
        kind=fields.choice("kind", ("ConfigMap", "Secret")),
        name=fields.required("name"),
        values_key=fields.text("valuesKey", "values.yaml"),
        target_path=fields.text("targetPath"),
        optional=fields.flag("optional"),
    )
    fields.close()
    return reference


def _trusted(managers: Fields | None) -> tuple[str, ...]:
    if managers is None:
        return ()
    trusted = managers.texts("trusted")
    managers.close()
    return trusted


def _compare(fields: Fields | None) -> tuple[bool, str, tuple[IgnoreRule, ...]]:
    """Return whether added fields are drift, who delivers, and the rules."""
    if fields is None:
        return True, "", ()
    added = fields.choice("added", ("Report", "Ignore"), "Report")
    manager = fields.text("manager")
    rules = tuple(_rule(rule) for rule in fields.objects("ignore"))
    fields.close()
    return added == "Report", manager, rules


def _rule(fields: Fields) -> IgnoreRule:
    rule = IgnoreRule(
        paths=fields.texts("paths"),
        target=_selector(fields.object("target")),
        managers=fields.texts("managers"),
        origin=fields.path,
    )
    fields.close()
    if not rule.paths and not rule.managers:
        raise SpecError(f"{fields.path}: a rule needs paths or managers, or it would say nothing")
    for index, path in enumerate(rule.paths):
        if not _JSON_POINTER.fullmatch(path):
            raise fields.error(
                f"paths[{index}]",
                f'"{path}" is not a JSON pointer: it begins with /, '
                "and writes / in a name as ~1 and ~ as ~0",
            )
    return rule


def _selector(fields: Fields | None) -> ObjectSelector:
    if fields is None:
        return ObjectSelector()
    selector = ObjectSelector(
        group=_expression(fields, "group"),
        version=_expression(fields, "version"),
        kind=_expression(fields, "kind"),
        namespace=_expression(fields, "namespace"),
        name=_expression(fields, "name"),
        label_selector=fields.text("labelSelector"),
        annotation_selector=fields.text("annotationSelector"),
    )
    fields.close()
    return selector


def _expression(fields: Fields, name: str) -> str:
    text = fields.text(name)
    try:
        expression(text)
    except ValueError as error:
        raise fields.error(name, f'"{text}" is not a regular expression: {error}') from error
    return text
