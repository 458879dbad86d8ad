"""One unit to check: a source, how to render it and how to compare it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from leadsman.model.delivery import Delivery
    from leadsman.model.identity import TargetKey
    from leadsman.model.json import JsonObject
    from leadsman.model.source import GitSource, LocalSource


@dataclass(frozen=True, slots=True)
class KustomizeOptions:
    """What is laid over the kustomization at the target's path; names and meaning are Flux's.

    ``patches`` hold ``{patch, target}``, ``images`` ``{name, newName, newTag, digest}``.
    """

    name_prefix: str = ""
    name_suffix: str = ""
    patches: tuple[JsonObject, ...] = ()
    images: tuple[JsonObject, ...] = ()
    components: tuple[str, ...] = ()
    ignore_missing_components: bool = False
    common_labels: dict[str, str] = field(default_factory=dict)
    common_annotations: dict[str, str] = field(default_factory=dict)
    build_metadata: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class VariablesReference:
    """A ConfigMap or Secret in the target's namespace whose data are variables.

    Source: ``SubstituteReference`` of kustomize-controller's Kustomization v1.
    """

    kind: str
    name: str
    optional: bool = False


@dataclass(frozen=True, slots=True)
class FluxBuild:
    """What kustomize-controller makes of a build before it applies it.

    ``name`` and ``namespace`` are the Kustomization's, which it writes into labels. ``variables``
    win over those of ``variables_from``, later ones of these over earlier ones; None: without
    ``postBuild``. ``always``: texts are read for variables even where there is none. ``digest`` is
    that of what was applied last (``sha256:...``), "" where it is not known.
    """

    name: str
    namespace: str
    variables: dict[str, str] | None = None
    variables_from: tuple[VariablesReference, ...] = ()
    always: bool = False
    digest: str = ""


@dataclass(frozen=True, slots=True)
class ValuesReference:
    """A ConfigMap or Secret in the target's namespace that holds Helm values.

    ``target_path`` empty: the key's text is a YAML document of values; else it is one value for
    that dotted path. Source: ``ValuesReference`` of Flux's HelmRelease v2.
    """

    kind: str
    name: str
    values_key: str = "values.yaml"
    target_path: str = ""
    optional: bool = False


@dataclass(frozen=True, slots=True)
class HelmOptions:
    """How to render a chart; ``values`` win over ``values_from``, those over ``values_files``.

    ``values_files`` are relative to the chart, or to the repository's root with a leading ``/``.
    ``kube_version`` and ``api_versions`` empty: those of the cluster.
    """

    release_name: str = ""
    values_files: tuple[str, ...] = ()
    values: JsonObject = field(default_factory=dict)
    values_from: tuple[ValuesReference, ...] = ()
    skip_crds: bool = False
    skip_tests: bool = True
    kube_version: str = ""
    api_versions: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class PlainOptions:
    """Which files of a folder hold manifests; patterns are globs relative to the path."""

    recurse: bool = True
    include: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()


RenderOptions: TypeAlias = KustomizeOptions | HelmOptions | PlainOptions


@dataclass(frozen=True, slots=True)
class ObjectSelector:
    """Which objects a rule is about; what is empty matches all.

    ``group``, ``version``, ``kind``, ``namespace`` and ``name`` are anchored regular expressions,
    the selectors have label-selector syntax. Source: ``Selector`` of fluxcd/pkg ``apis/kustomize``.
    """

    group: str = ""
    version: str = ""
    kind: str = ""
    namespace: str = ""
    name: str = ""
    label_selector: str = ""
    annotation_selector: str = ""


@dataclass(frozen=True, slots=True)
class IgnoreRule:
    """Fields that do not count.

    ``paths`` are JSON pointers (RFC 6901) in which a ``*`` segment matches one level; ``""`` is
    the whole object. ``managers`` not empty: only fields that one of them set live. With
    ``managers`` and no paths, all that they set. ``origin`` says where the rule stands.
    """

    paths: tuple[str, ...] = ()
    target: ObjectSelector = field(default_factory=ObjectSelector)
    managers: tuple[str, ...] = ()
    origin: str = ""


@dataclass(frozen=True, slots=True)
class Target:
    """All that is needed to check one target, resolved from its custom resource.

    ``uid`` and ``generation`` are those of the custom resource. ``trusted`` names
    the field managers whose additions are no drift, ``manager`` the one in whose name its objects
    are delivered, "" where that is to be found out. ``flux`` says what Flux makes of what is
    rendered, None where it does not deliver; ``delivery`` what whoever delivers says of it, None
    where nobody does.
    """

    key: TargetKey
    source: GitSource | LocalSource
    uid: str = ""
    generation: int = 0
    path: str = ""
    render: RenderOptions | None = None
    target_namespace: str = ""
    allow_empty: bool = False
    suspended: bool = False
    report_added: bool = True
    trusted: tuple[str, ...] = ()
    manager: str = ""
    ignore: tuple[IgnoreRule, ...] = ()
    flux: FluxBuild | None = None
    delivery: Delivery | None = None
