from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING, Any

import orjson
import pytest
import yaml

from leadsman.model.target import KustomizeOptions

if TYPE_CHECKING:
    from .conftest import Bench

DEPLOYMENT = """\
apiVersion: apps/v1
kind: Deployment
metadata:
  name: web
spec:
  template:
    spec:
      containers:
      - name: web
        image: nginx:1
"""


def overlays(bench: Bench) -> None:
    """A base with a generator and an overlay that changes it."""
    bench.write(
        {
            "base/web.yaml": DEPLOYMENT,
            "base/settings.txt": "a=b\n",
            "base/kustomization.yaml": """\
            resources: [web.yaml]
            configMapGenerator:
            - name: settings
              files: [settings.txt]
              options: {disableNameSuffixHash: true}
            """,
            "overlays/prod/role.yaml": """\
            apiVersion: rbac.authorization.k8s.io/v1
            kind: ClusterRole
            metadata: {name: reader}
            """,
            "overlays/prod/kustomization.yml": """\
            apiVersion: kustomize.config.k8s.io/v1beta1
            kind: Kustomization
            resources: [../../base, role.yaml]
            images: [{name: nginx, newTag: "2"}]
            """,
        }
    )


def image(objects: dict[str, Any], name: str = "web") -> str:
    containers = objects[f"Deployment {name}"]["spec"]["template"]["spec"]["containers"]
    return str(containers[0]["image"])


async def test_an_overlay_is_built_and_each_object_knows_its_file(bench: Bench) -> None:
    overlays(bench)
    rendered = await bench.render("./overlays/prod/")
    assert rendered.renderer == "Kustomize"
    assert {f"{item.key}": item.file for item in rendered.objects} == {
        "ClusterRole.rbac.authorization.k8s.io reader": "overlays/prod/role.yaml",
        "Deployment.apps apps/web": "base/web.yaml",
        "ConfigMap apps/settings": "base/kustomization.yaml",
    }
    objects = await bench.objects("overlays/prod")
    assert image(objects) == "nginx:2"
    assert objects["ConfigMap settings"]["data"] == {"settings.txt": "a=b\n"}
    # What told the file is no part of what Git asks for.
    assert objects["Deployment web"]["metadata"] == {"name": "web", "namespace": "apps"}
    assert bench.left_behind() == []


@pytest.mark.parametrize(
    ("over", "expected"),
    [
        ({"newName": "httpd"}, "httpd:2"),
        ({"newTag": "3"}, "nginx:3"),
        ({"digest": "sha256:aa"}, "nginx@sha256:aa"),
        ({"newTag": "3", "digest": "sha256:aa"}, "nginx:3@sha256:aa"),
        ({}, "nginx:2"),
    ],
)
async def test_an_image_is_merged_field_by_field(
    bench: Bench, over: dict[str, str], expected: str
) -> None:
    overlays(bench)
    options = KustomizeOptions(images=({"name": "nginx", **over},))
    assert image(await bench.objects("overlays/prod", options)) == expected


async def test_the_options_are_laid_over_the_kustomization(bench: Bench) -> None:
    overlays(bench)
    bench.write(
        {
            "components/debug/kustomization.yaml": """\
            apiVersion: kustomize.config.k8s.io/v1alpha1
            kind: Component
            commonAnnotations: {debug: "on"}
            """
        }
    )
    options = KustomizeOptions(
        name_prefix="a-",
        name_suffix="-z",
        patches=(
            {
                "patch": '[{"op": "add", "path": "/spec/replicas", "value": 3}]',
                "target": {"kind": "Deployment", "name": "web"},
            },
            {"patch": "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: settings}\ndata: {x: y}"},
        ),
        images=(
            {"name": "nginx", "newName": "httpd", "newTag": "3"},
            {"name": "other", "newTag": "1"},
        ),
        components=("../../components/debug", "../../components/none"),
        ignore_missing_components=True,
        common_labels={"team": "shop"},
        common_annotations={"debug": "off", "by": "us"},
    )
    objects = await bench.objects("overlays/prod", options, target_namespace="prod")
    assert sorted(objects) == [
        "ClusterRole a-reader-z",
        "ConfigMap a-settings-z",
        "Deployment a-web-z",
    ]
    deployment = objects["Deployment a-web-z"]
    assert deployment["spec"]["replicas"] == 3
    # The image of the same name is replaced, not changed a second time.
    assert image(objects, "a-web-z") == "httpd:3"
    assert deployment["metadata"] == {
        "name": "a-web-z",
        "namespace": "prod",
        "labels": {"team": "shop"},
        "annotations": {"debug": "off", "by": "us"},
    }
    # Common labels are on the objects alone, as Flux sets them.
    assert "labels" not in deployment["spec"]["template"].get("metadata", {})
    assert objects["ConfigMap a-settings-z"]["data"] == {"settings.txt": "a=b\n", "x": "y"}
    assert "namespace" not in objects["ClusterRole a-reader-z"]["metadata"]
    # The repository's own files are as they were.
    assert sorted(path.name for path in (bench.root / "overlays/prod").iterdir()) == [
        "kustomization.yml",
        "role.yaml",
    ]


async def test_what_is_above_and_beside_the_kustomization_is_found(bench: Bench) -> None:
    bench.write(
        {
            "kustomization.yaml": "resources: [web.yaml]\nnamePrefix: root-\n",
            "web.yaml": DEPLOYMENT,
            "a/b/c/kustomization.yaml": """\
            resources: [../../d]
            patches: [{path: ../../../patches/replicas.yaml}]
            """,
            "a/d/kustomization.yaml": "resources: [web.yaml]\nnamePrefix: d-\n",
            "a/d/web.yaml": DEPLOYMENT,
            "patches/replicas.yaml": """\
            apiVersion: apps/v1
            kind: Deployment
            metadata: {name: d-web}
            spec: {replicas: 5}
            """,
        }
    )
    assert [item.file for item in (await bench.render()).objects] == ["web.yaml"]
    objects = await bench.objects("a/b/c")
    assert objects["Deployment d-web"]["spec"]["replicas"] == 5
    assert [item.file for item in (await bench.render("a/b/c")).objects] == ["a/d/web.yaml"]


async def test_origin_annotations_that_were_asked_for_stay(bench: Bench) -> None:
    overlays(bench)
    bench.write(
        {
            "overlays/prod/kustomization.yml": """\
            resources: [../../base]
            buildMetadata: [originAnnotations, managedByLabel]
            """
        }
    )
    objects = await bench.objects("overlays/prod")
    metadata = objects["Deployment web"]["metadata"]
    assert metadata["annotations"]["config.kubernetes.io/origin"] == "path: ../../base/web.yaml\n"
    assert metadata["labels"]["app.kubernetes.io/managed-by"].startswith("kustomize-")
    # In a base they count for nothing.
    bench.write(
        {"base/kustomization.yaml": "resources: [web.yaml]\nbuildMetadata: [originAnnotations]\n"}
    )
    bench.write({"overlays/prod/kustomization.yml": "resources: [../../base]\n"})
    assert "annotations" not in (await bench.objects("overlays/prod"))["Deployment web"]["metadata"]


async def test_the_fields_old_and_new_are_all_looked_at(bench: Bench) -> None:
    bench.write(
        {
            "base/kustomization.yaml": "resources: [web.yaml]\n",
            "base/web.yaml": DEPLOYMENT,
            "app/kustomization.yaml": """\
            Bases: [../base]
            patchesStrategicMerge:
            - inline.yaml
            - |
              apiVersion: apps/v1
              kind: Deployment
              metadata: {name: web}
              spec: {paused: true}
            patchesJson6902:
            - path: json.yaml
              target: {group: apps, version: v1, kind: Deployment, name: web}
            secretGenerator:
            - name: keys
              envs: [keys.env]
              files: [key=file.txt]
              options: {disableNameSuffixHash: true}
            """,
            "app/inline.yaml": """\
            apiVersion: apps/v1
            kind: Deployment
            metadata: {name: web}
            spec: {minReadySeconds: 4}
            """,
            "app/json.yaml": "- {op: add, path: /spec/replicas, value: 2}\n",
            "app/keys.env": "A=1\n",
            "app/file.txt": "text",
        }
    )
    objects = await bench.objects("app")
    spec = objects["Deployment web"]["spec"]
    assert (spec["paused"], spec["minReadySeconds"], spec["replicas"]) == (True, 4, 2)
    assert objects["Secret keys"]["data"] == {"A": "MQ==", "key": "dGV4dA=="}


async def test_a_folder_without_kustomization_gets_one_as_with_flux(bench: Bench) -> None:
    bench.write(
        {
            "app/web.yaml": DEPLOYMENT,
            "app/more/config.yml": "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\n",
            "app/inner/kustomization.yaml": "namePrefix: inner-\nresources: [b.yaml]\n",
            "app/inner/b.yaml": "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: b}\n",
            "app/inner/patch.yaml": "no: manifest",
        }
    )
    rendered = await bench.render("app", KustomizeOptions(name_suffix="-x"))
    assert {(item.key.name, item.file) for item in rendered.objects} == {
        ("web-x", "app/web.yaml"),
        ("a-x", "app/more/config.yml"),
        ("inner-b-x", "app/inner/b.yaml"),
    }


REMOTE = "https://example.com/org/repo//path?ref=v1"


@pytest.mark.parametrize(
    ("kustomization", "field"),
    [
        (f"resources: ['{REMOTE}']", "resources"),
        (f"Resources: ['{REMOTE}']", "resources"),
        (f"bases: ['{REMOTE}']", "bases"),
        (f"components: ['{REMOTE}']", "components"),
        (f"crds: ['{REMOTE}']", "crds"),
        (f"configurations: ['{REMOTE}']", "configurations"),
        (f"openapi: {{path: '{REMOTE}'}}", "openapi.path"),
        (f"patches: [{{path: '{REMOTE}'}}]", "patches[].path"),
        (f"patches: [{{Path: '{REMOTE}'}}]", "patches[].path"),
        (f"patchesJson6902: [{{path: '{REMOTE}'}}]", "patchesJson6902[].path"),
        (f"patchesStrategicMerge: ['{REMOTE}']", "patchesStrategicMerge"),
        (f"replacements: [{{path: '{REMOTE}'}}]", "replacements[].path"),
        (f"configMapGenerator: [{{name: a, files: ['{REMOTE}']}}]", "configMapGenerator[].files"),
        (f"configMapGenerator: [{{name: a, files: ['k={REMOTE}']}}]", "configMapGenerator[].files"),
        (f"secretGenerator: [{{name: a, envs: ['{REMOTE}']}}]", "secretGenerator[].envs"),
        (f"secretGenerator: [{{name: a, env: '{REMOTE}'}}]", "secretGenerator[].env"),
        (f"generators: ['{REMOTE}']", "generators"),
        (f"transformers: ['{REMOTE}']", "transformers"),
        (f"validators: ['{REMOTE}']", "validators"),
        (f"transformers: ['{{kind: PatchTransformer, path: \"{REMOTE}\"}}']", "path"),
        (f"generators: ['{{kind: ConfigMapGenerator, files: [\"a={REMOTE}\"]}}']", "files"),
        ("resources: [github.com/org/repo]", "resources"),
        ("resources: ['git@example.com:org/repo.git']", "resources"),
    ],
)
async def test_remote_references_are_refused_before_anything_runs(
    kustomization: str, field: str, bench: Bench
) -> None:
    bench.write(
        {
            "app/kustomization.yaml": "resources: [../base]\n",
            "base/kustomization.yaml": kustomization + "\n",
        }
    )
    bench.renderer = bench.make(kustomize="/nowhere/kustomize")
    error = await bench.error("app")
    assert (error.reason, error.retryable) == ("RemoteBase", False)
    assert error.message.startswith(f"base/kustomization.yaml: {field} refers to ")


async def test_a_file_that_looks_remote_is_a_file(bench: Bench) -> None:
    bench.write(
        {
            "kustomization.yaml": "resources: [github.com/org/web.yaml]\n",
            "github.com/org/web.yaml": DEPLOYMENT,
        }
    )
    assert list(await bench.objects()) == ["Deployment web"]


@pytest.mark.parametrize(
    ("kustomization", "reason", "said"),
    [
        (
            "resources: [../none]",
            "PathNotFound",
            "app/kustomization.yaml: resources: none is not in",
        ),
        (
            "resources: [x.yaml]",
            "PathNotFound",
            "app/kustomization.yaml: resources: app/x.yaml is not",
        ),
        (
            "resources: [../empty]",
            "KustomizationNotFound",
            "app/kustomization.yaml: resources refers",
        ),
        (
            "resources: [../../..]",
            "PathOutside",
            "app/kustomization.yaml: resources: ../../.. leads",
        ),
        (
            "resources: [/etc/passwd]",
            "PathOutside",
            "app/kustomization.yaml: resources: /etc/passwd",
        ),
        (
            "patches: [{path: ../../x}]",
            "PathOutside",
            "app/kustomization.yaml: patches[].path: ../",
        ),
        (f"resources: [{'x' * 300}]", "PathNotFound", "app/kustomization.yaml: resources: app/xxx"),
        ('resources: ["a\\0b"]', "PathNotFound", "app/kustomization.yaml: resources: app/a"),
        ("resources: 1", "InvalidKustomization", "app/kustomization.yaml: resources is no list"),
        ("resources: [", "InvalidYAML", "app/kustomization.yaml:2: "),
        ("- 1", "InvalidYAML", "app/kustomization.yaml: is no mapping"),
        (
            "transformers: [t.yaml]",
            "PathNotFound",
            "app/kustomization.yaml: transformers: app/t.yaml",
        ),
        ("helmCharts: [{name: x}]", "HelmChartsNotSupported", "app/kustomization.yaml: helmCharts"),
        (
            "generators: ['{kind: HelmChartInflationGenerator}']",
            "HelmChartsNotSupported",
            "app/kustomization.yaml: lets kustomize run Helm",
        ),
        ("nonsense: 1", "BuildFailed", "kustomize build app: invalid Kustomization: json: unknown"),
        ("resources: [bad.yaml]", "BuildFailed", "kustomize build app: accumulating resources"),
        ("resources: [../app]", "BuildFailed", "kustomize build app: accumulating resources"),
        ("resources: [../circle]", "BuildFailed", "kustomize build app: accumulating resources"),
    ],
)
async def test_what_is_wrong_is_told(
    kustomization: str, reason: str, said: str, bench: Bench
) -> None:
    bench.write(
        {
            "app/kustomization.yaml": kustomization + "\n",
            "app/bad.yaml": "a: [",
            "empty/README.md": "",
            "circle/kustomization.yaml": "resources: [../app]\n",
        }
    )
    error = await bench.error("app")
    assert (error.reason, error.retryable) == (reason, False)
    assert error.message.startswith(said)
    assert bench.left_behind() == []


async def test_two_kustomizations_in_a_folder_are_refused(bench: Bench) -> None:
    bench.write({"app/kustomization.yaml": "resources: []", "app/Kustomization": "resources: []"})
    error = await bench.error("app")
    assert error.reason == "AmbiguousKustomization"
    assert error.message == "app has kustomization.yaml and Kustomization: keep one"


@pytest.mark.parametrize("linked", ["settings.txt", "web.yaml", "kustomization.yaml"])
async def test_links_that_lead_out_are_refused(linked: str, bench: Bench) -> None:
    overlays(bench)
    (bench.root / "base" / linked).rename(bench.root.parent / linked)
    bench.link(f"base/{linked}", f"../../{linked}")
    error = await bench.error("overlays/prod")
    assert error.reason == "PathOutside"
    assert f"base/{linked} is a symbolic link that leads out" in error.message


async def test_links_within_the_repository_are_followed(bench: Bench) -> None:
    overlays(bench)
    bench.link("live/prod", "../overlays/prod")
    bench.link("overlays/prod/more.yaml", "../../base/web.yaml")
    bench.write({"overlays/prod/kustomization.yml": "resources: [more.yaml]\nnamePrefix: x-\n"})
    rendered = await bench.render("live/prod")
    assert [(item.key.name, item.file) for item in rendered.objects] == [
        ("x-web", "overlays/prod/more.yaml")
    ]


async def test_a_key_that_stands_twice_is_told(bench: Bench) -> None:
    bench.write(
        {
            "kustomization.yaml": "resources: [a.yaml]\nresources: [web.yaml]\n",
            "web.yaml": DEPLOYMENT,
        }
    )
    rendered = await bench.render()
    assert [item.key.name for item in rendered.objects] == ["web"]
    assert rendered.warnings == (
        "kustomization.yaml:2: the key 'resources' stands twice, kustomize takes the last one",
    )


async def test_objects_for_the_local_machine_are_no_objects(bench: Bench) -> None:
    bench.write(
        {
            "kustomization.yaml": "resources: [web.yaml, local.yaml]\n",
            "web.yaml": DEPLOYMENT,
            "local.yaml": """\
            apiVersion: v1
            kind: ConfigMap
            metadata:
              name: local
              annotations: {config.kubernetes.io/local-config: "true"}
            """,
        }
    )
    assert list(await bench.objects()) == ["Deployment web"]


@pytest.mark.parametrize("text", ["team-a", "", "path: 5", "[a"])
async def test_an_origin_annotation_of_the_repositorys_own(text: str, bench: Bench) -> None:
    bench.write(
        {
            "kustomization.yaml": f"""\
            configMapGenerator:
            - name: settings
              literals: [a=b]
              options:
                disableNameSuffixHash: true
                annotations: {{config.kubernetes.io/origin: "{text}"}}
            """
        }
    )
    rendered = await bench.render("")
    assert [item.file for item in rendered.objects] == ["kustomization.yaml"]


ANNOTATED = """\
apiVersion: apps/v1
kind: Deployment
metadata: {name: web%s}
spec:
  template:
    metadata: {annotations: {own: "1"}}
    spec: {containers: [{name: web, image: web}]}
"""
COPIED = """\
resources: [a.yaml]
replacements:
- source: {kind: Deployment, fieldPath: metadata.annotations}
  targets:
  - select: {kind: Deployment}
    fieldPaths: [spec.template.metadata.annotations]
"""


@pytest.mark.parametrize(
    ("annotations", "kustomization"),
    [
        (", annotations: {team: a}", COPIED),
        (
            ", annotations: {team: a}",
            (
                "resources: [a.yaml]\npatches:\n- target: {kind: Deployment}\n  patch: |-\n"
                "    - {op: copy, from: /metadata/annotations, "
                "path: /spec/template/metadata/annotations}\n"
            ),
        ),
        (
            "",
            (
                "resources: [a.yaml]\npatches:\n"
                "- target: {annotationSelector: config.kubernetes.io/origin}\n"
                "  patch: |-\n    - {op: add, path: /spec/replicas, value: 7}\n"
            ),
        ),
        (", annotations: {config.kubernetes.io/origin: mine}", "resources: [a.yaml]\n"),
        ("", "resources: [a.yaml]\nbuildMetadata: [originAnnotations]\n"),
        ("", "resources: [a.yaml]\nBUILDMETADATA: [transformerAnnotations, managedByLabel]\n"),
    ],
)
async def test_asking_for_files_changes_nothing_of_what_is_built(
    annotations: str, kustomization: str, bench: Bench
) -> None:
    bench.write({"p/a.yaml": ANNOTATED % annotations, "p/kustomization.yaml": kustomization})
    (rendered,) = (await bench.render("p")).objects
    assert rendered.file == "p/a.yaml"
    built = subprocess.run(  # noqa: ASYNC221 - nothing else is to be done meanwhile
        ["kustomize", "build", bench.root / "p"], capture_output=True, text=True, check=True
    )
    expected = yaml.safe_load(built.stdout)
    expected["metadata"]["namespace"] = "apps"
    assert orjson.loads(rendered.body) == expected


async def test_objects_are_rendered_also_where_asking_for_files_would_delete_them(
    bench: Bench,
) -> None:
    patch = (
        "resources: [a.yaml]\npatches:\n"
        "- target: {annotationSelector: config.kubernetes.io/origin}\n"
        "  patch: '{apiVersion: apps/v1, kind: Deployment, metadata: {name: x}, $patch: delete}'\n"
    )
    bench.write({"p/a.yaml": ANNOTATED % "", "p/kustomization.yaml": patch})
    (rendered,) = (await bench.render("p")).objects
    assert (rendered.key.name, rendered.file) == ("web", "p/kustomization.yaml")


@pytest.mark.parametrize("field", ["resources", "components"])
async def test_what_is_meant_as_remote_is_called_so(field: str, bench: Bench) -> None:
    bench.write({"p/kustomization.yaml": f"{field}: [example.com/org/repo//x]\n"})
    error = await bench.error("p")
    assert error.reason == "RemoteBase"
    assert error.message.startswith(f"p/kustomization.yaml: {field} refers to example.com/org/repo")
    bench.write({"p/example.com/org/a.yaml": ""})
    error = await bench.error("p")
    assert error.reason == "PathNotFound"
    assert "p/example.com/org/repo/x is not in the repository" in error.message


@pytest.mark.parametrize("to", ["/etc/passwd", "/etc/nope", "../../../../nope", "/", "../../x"])
async def test_links_out_of_the_repository_tell_nothing_of_this_machine(
    to: str, bench: Bench
) -> None:
    (bench.root.parent / "x").mkdir()
    bench.write(
        {
            "plain/a.yaml": ANNOTATED % "",
            "built/kustomization.yaml": "resources: [l.yaml]",
            "chart/Chart.yaml": "apiVersion: v2\nname: a\nversion: 1.0.0\n",
        }
    )
    for name in ("plain/l.yaml", "built/l.yaml", "chart/l.yaml"):
        bench.link(name, to)
        error = await bench.error(name.partition("/")[0])
        assert error.reason == "PathOutside"
        assert f"{name} is a symbolic link that leads out of the repository" in error.message


async def test_links_to_what_is_not_in_the_repository_are_told(bench: Bench) -> None:
    bench.write(
        {
            "plain/a.yaml": ANNOTATED % "",
            "built/kustomization.yaml": "resources: [l.yaml]",
            "chart/Chart.yaml": "apiVersion: v2\nname: a\nversion: 1.0.0\n",
        }
    )
    for name in ("plain/l.yaml", "built/l.yaml", "chart/templates/l.yaml"):
        bench.link(name, "nope")
    for folder in ("plain", "built"):
        error = await bench.error(folder)
        assert error.reason == "PathNotFound"
        assert f"{folder}/l.yaml is a symbolic link to what is not in" in error.message
    error = await bench.error("chart")
    assert error.reason == "TemplateFailed"
    assert "chart/templates/nope: no such file" in error.message


@pytest.mark.parametrize("name", ["kustomization.yaml", "kustomization.yml", "Kustomization"])
@pytest.mark.parametrize("text", ["", "resources: []\n", "kind: Kustomization\n"])
async def test_a_kustomization_of_nothing_may_be_meant(name: str, text: str, bench: Bench) -> None:
    bench.write({f"p/{name}": text})
    assert (await bench.error("p")).reason == "EmptyRender"
    assert (await bench.render("p", allow_empty=True)).objects == ()
