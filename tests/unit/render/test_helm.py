from __future__ import annotations

import io
import tarfile
from typing import TYPE_CHECKING, Any

import orjson
import pytest

from leadsman.model.target import HelmOptions
from leadsman.render.helm_values import secret_texts
from leadsman.render.renderer import Limits, ValuesDocument

if TYPE_CHECKING:
    from .conftest import Bench

CHART = "apiVersion: v2\nname: shop\nversion: 1.0.0\n"
LIBRARY = "apiVersion: v2\nname: common\nversion: 2.0.0\n"
CONFIG = """\
apiVersion: v1
kind: ConfigMap
metadata:
  name: {{ .Release.Name }}-config
data:
  values: {{ toJson .Values | quote }}
  namespace: {{ .Release.Namespace }}
  kube: {{ .Capabilities.KubeVersion.Version }}
  served: {{ .Capabilities.APIVersions.Has "example.com/v1/Thing" | quote }}
  host: {{ getHostByName "localhost" | quote }}
"""
CRD = """\
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: things.example.com}
"""


def chart(bench: Bench, **files: str) -> None:
    bench.write(
        {
            "chart/Chart.yaml": CHART,
            "chart/values.yaml": "a: 1\nb: {c: 2, d: 3}\n",
            "chart/templates/config.yaml": CONFIG,
        }
    )
    bench.write({f"chart/{name}": text for name, text in files.items()})


async def config(bench: Bench, options: HelmOptions | None = None, **more: Any) -> dict[str, str]:
    objects = await bench.objects("chart", options, **more)
    (name,) = [name for name in objects if name.startswith("ConfigMap")]
    data: dict[str, str] = objects[name]["data"]
    return data


async def values(bench: Bench, options: HelmOptions | None = None, **more: Any) -> Any:
    return orjson.loads((await config(bench, options, **more))["values"])


async def test_a_chart_is_rendered_with_the_clusters_versions(bench: Bench) -> None:
    chart(bench)
    rendered = await bench.render("chart")
    assert rendered.renderer == "Helm"
    assert [(str(item.key), item.file) for item in rendered.objects] == [
        ("ConfigMap apps/shop-config", "chart/templates/config.yaml")
    ]
    data = await config(bench)
    assert (data["namespace"], data["kube"], data["served"]) == ("apps", "v1.37.2", "false")
    # Helm asks no name server unless it is told to.
    assert data["host"] == ""
    assert bench.left_behind() == []


async def test_release_namespace_and_versions_can_be_chosen(bench: Bench) -> None:
    chart(bench)
    options = HelmOptions(
        release_name="mine", kube_version="1.30.0", api_versions=("example.com/v1/Thing", "x/v1")
    )
    rendered = await bench.render("chart", options, target_namespace="prod")
    assert str(rendered.objects[0].key) == "ConfigMap prod/mine-config"
    data = await config(bench, options, target_namespace="prod")
    assert (data["namespace"], data["kube"], data["served"]) == ("prod", "v1.30.0", "true")


async def test_values_lie_over_each_other_in_their_order(bench: Bench) -> None:
    chart(bench, **{"prod.yaml": "b: {c: file}\nf: file\n"})
    bench.write({"env/all.yaml": "b: {d: root}\nr: root\n"})
    options = HelmOptions(values_files=("prod.yaml", "/env/all.yaml", "../env/all.yaml"))
    assert await values(bench, options) == {
        "a": 1,
        "b": {"c": "file", "d": "root"},
        "f": "file",
        "r": "root",
    }
    options = HelmOptions(values_files=("prod.yaml",), values={"b": {"d": "own"}, "l": [1]})
    documents = (
        ValuesDocument("a: from\nb: {c: from, d: from}\nf: from"),
        ValuesDocument("z: from\nf: later"),
    )
    assert await values(bench, options, values=documents) == {
        "a": "from",
        "b": {"c": "from", "d": "own"},
        "f": "later",
        "l": [1],
        "z": "from",
    }


async def test_a_value_for_a_path_lies_in_its_order_too(bench: Bench) -> None:
    chart(bench, **{"prod.yaml": "b: {c: file, e: [{x: 1}, {x: 2}]}\n"})
    options = HelmOptions(values_files=("prod.yaml",), values={"own": True})
    documents = (
        ValuesDocument("7", "b.c"),
        ValuesDocument("b: {d: doc}\nown: 1"),
        ValuesDocument("'8'", "b.d"),
        ValuesDocument("y", "b.e[1].x"),
    )
    assert await values(bench, options, values=documents) == {
        "a": 1,
        "b": {"c": 7, "d": "8", "e": [{"x": 1}, {"x": "y"}]},
        "own": True,
    }


@pytest.mark.parametrize(
    ("documents", "said"),
    [
        ((ValuesDocument("x: !!int oho"),), "valuesFrom (number 1): line 1 is not YAML"),
        ((ValuesDocument("x: 1"), ValuesDocument("- oho")), "valuesFrom (number 2) is no mapping"),
        (
            (ValuesDocument("x", "b"), ValuesDocument("y", "b.c")),
            "valuesFrom (number 2): targetPath b.c",
        ),
        ((ValuesDocument("x", "b"), ValuesDocument("- 1")), "valuesFrom (number 2) is no mapping"),
        ((ValuesDocument("x", "b"), ValuesDocument("a: [")), "valuesFrom (number 2): line "),
        ((ValuesDocument("x,oho", "b"),), "valuesFrom (number 1): targetPath b: something has no"),
    ],
)
async def test_values_that_cannot_be_used_are_told(
    documents: tuple[ValuesDocument, ...], said: str, bench: Bench
) -> None:
    chart(bench)
    error = await bench.error("chart", values=documents)
    assert said in error.message
    assert error.reason == "ValuesInvalid"
    assert "oho" not in error.message


@pytest.mark.parametrize(
    ("name", "reason", "said"),
    [
        ("none.yaml", "ValuesFileMissing", "values file none.yaml: chart/none.yaml is not in"),
        ("/none.yaml", "ValuesFileMissing", "values file /none.yaml: none.yaml is not in"),
        ("templates", "ValuesFileMissing", "chart/templates is a folder"),
        ("../../x.yaml", "PathOutside", "values file ../../x.yaml: ../../x.yaml leads out"),
        ("link.yaml", "PathOutside", "chart/link.yaml is a symbolic link that leads out"),
        (
            "https://u:p@example.com/v.yaml",
            "RemoteValuesFile",
            "the values file https://example.com/",
        ),
    ],
)
async def test_a_values_file_that_is_not_there_is_told(
    name: str, reason: str, said: str, bench: Bench
) -> None:
    chart(bench)
    (bench.root.parent / "x.yaml").write_text("a: 1")
    bench.link("chart/link.yaml", "../../x.yaml")
    if name != "link.yaml":
        (bench.root / "chart/link.yaml").unlink()
    error = await bench.error("chart", HelmOptions(values_files=(name,)))
    assert (error.reason, error.retryable) == (reason, False)
    assert error.message.startswith(said)


HOOK = """\
apiVersion: v1
kind: Pod
metadata:
  name: {name}
  annotations: {{helm.sh/hook: "{hook}"}}
"""


async def test_hooks_tests_notes_and_crds(bench: Bench) -> None:
    hooks = {
        "migrate": "pre-install,pre-upgrade",
        "old": "crd-install",
        "try": "test",
        "both": "post-install, test",
    }
    chart(
        bench,
        **{
            f"templates/{name}.yaml": HOOK.format(name=name, hook=hook)
            for name, hook in hooks.items()
        },
        **{"templates/NOTES.txt": "Enjoy", "templates/_x.tpl": "nothing", "crds/things.yaml": CRD},
    )
    rendered = await bench.render("chart")
    assert [(item.key.name, item.file) for item in rendered.objects] == [
        ("things.example.com", "chart/crds/things.yaml"),
        ("shop-config", "chart/templates/config.yaml"),
    ]
    names = await bench.objects("chart", HelmOptions(skip_crds=True))
    assert list(names) == ["ConfigMap shop-config"]
    names = await bench.objects("chart", HelmOptions(skip_tests=False, skip_crds=True))
    assert sorted(names) == ["ConfigMap shop-config", "Pod both", "Pod try"]


def archive(bench: Bench, path: str, files: dict[str, str]) -> None:
    """Pack a chart as ``helm package`` does."""
    target = bench.root / path
    target.parent.mkdir(parents=True, exist_ok=True)
    with tarfile.open(target, "w:gz") as packed:
        for name, text in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(text)
            packed.addfile(member, io.BytesIO(text.encode()))


DEPENDENT = (
    CHART
    + """\
dependencies:
- {name: common, version: 2.x, repository: "https://example.com/charts", alias: lib}
"""
)
SUB = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: {{ .Chart.Name }}-{{ .Values.x }}}\n"


async def test_dependencies_in_the_repository_are_rendered(bench: Bench) -> None:
    chart(
        bench,
        **{
            "Chart.yaml": DEPENDENT,
            "charts/anything/Chart.yaml": LIBRARY,
            "charts/anything/values.yaml": "x: own\n",
            "charts/anything/templates/sub.yaml": SUB,
            "charts/anything/charts/deeper/Chart.yaml": CHART.replace("shop", "deep"),
            "charts/anything/charts/deeper/templates/sub.yaml": SUB.replace(
                "Values.x", "Chart.Name"
            ),
        },
    )
    rendered = await bench.render("chart")
    assert {(item.key.name, item.file) for item in rendered.objects} == {
        ("shop-config", "chart/templates/config.yaml"),
        ("lib-own", "chart/charts/anything/templates/sub.yaml"),
        ("deep-deep", "chart/charts/anything/charts/deeper/templates/sub.yaml"),
    }


async def test_dependencies_in_archives_are_rendered(bench: Bench) -> None:
    chart(bench, **{"Chart.yaml": DEPENDENT})
    archive(
        bench,
        "chart/charts/whatever-2.0.1.tgz",
        {
            "common/templates/sub.yaml": SUB,
            "common/values.yaml": "x: z",
            "common/Chart.yaml": LIBRARY,
        },
    )
    rendered = await bench.render("chart")
    assert ("lib-z", "chart/charts/whatever-2.0.1.tgz") in {
        (item.key.name, item.file) for item in rendered.objects
    }


async def test_a_dependency_that_is_another_folder_is_rendered_from_there(bench: Bench) -> None:
    chart(
        bench,
        **{
            "Chart.yaml": DEPENDENT.replace("https://example.com/charts", "file://../libs/common"),
            "charts/other/Chart.yaml": CHART.replace("shop", "other"),
            "charts/other/templates/sub.yaml": SUB,
        },
    )
    bench.write(
        {
            "libs/common/Chart.yaml": LIBRARY,
            "libs/common/values.yaml": "x: linked\n",
            "libs/common/templates/sub.yaml": SUB,
        }
    )
    rendered = await bench.render("chart")
    assert {(item.key.name, item.file) for item in rendered.objects} == {
        ("shop-config", "chart/templates/config.yaml"),
        ("lib-linked", "libs/common/templates/sub.yaml"),
        ("other-", "chart/charts/other/templates/sub.yaml"),
    }
    assert bench.left_behind() == []


@pytest.mark.parametrize("version", ["v1", "v2"])
async def test_missing_dependencies_are_told_with_the_remedy(version: str, bench: Bench) -> None:
    dependencies = (
        DEPENDENT.removeprefix(CHART) + "- {name: redis, version: 1.0.0, condition: redis.on}\n"
    )
    if version == "v1":
        files = {"Chart.yaml": CHART.replace("v2", "v1"), "requirements.yaml": dependencies}
    else:
        files = {"Chart.yaml": CHART + dependencies}
    chart(bench, **files)
    bench.renderer = bench.make(helm="/nowhere/helm")
    error = await bench.error("chart")
    assert (error.reason, error.retryable) == ("ChartDependenciesMissing", False)
    assert "common 2.x (https://example.com/charts), redis 1.0.0" in error.message
    assert "'helm dependency build chart'" in error.message


async def test_a_folder_that_is_named_as_dependency_must_be_there(bench: Bench) -> None:
    chart(
        bench, **{"Chart.yaml": DEPENDENT.replace("https://example.com/charts", "file://../none")}
    )
    error = await bench.error("chart")
    assert error.reason == "PathNotFound"
    assert error.message.startswith("chart/Chart.yaml: dependency common: none is not in")


@pytest.mark.parametrize(
    ("template", "said"),
    [
        (
            '{{ fail "no such thing" }}',
            "execution error at (chart/templates/bad.yaml:1:3): no such",
        ),
        ("{{ .Values.x.y.z }}", "chart/templates/bad.yaml:1:"),
        ("{{ if }}", "parse error at (chart/templates/bad.yaml:1): missing value for if"),
        ('{{ include "nothing" . }}', 'no template "nothing"'),
        ("a: b\n  c: d\n", "YAML parse error on chart/templates/bad.yaml: "),
    ],
)
async def test_a_template_that_fails_is_told_with_its_place(
    template: str, said: str, bench: Bench
) -> None:
    chart(bench, **{"templates/bad.yaml": template})
    error = await bench.error("chart")
    assert (error.reason, error.retryable) == ("TemplateFailed", False)
    assert error.message.startswith("helm template chart: ")
    assert said in error.message
    assert "--debug" not in error.message


@pytest.mark.parametrize(
    ("files", "reason", "said"),
    [
        ({"Chart.yaml": "a: ["}, "ChartInvalid", "chart/Chart.yaml:2: "),
        ({"Chart.yaml": "- 1"}, "ChartInvalid", "chart/Chart.yaml: is no mapping"),
        (
            {"Chart.yaml": CHART + "dependencies: [1]"},
            "ChartInvalid",
            "chart/Chart.yaml: the dependencies",
        ),
        ({"Chart.yaml": CHART + "type: library"}, "TemplateFailed", "library charts are not"),
        (
            {"Chart.yaml": CHART + "kubeVersion: '<1.20'"},
            "TemplateFailed",
            "chart requires kubeVersion",
        ),
        ({"values.yaml": "a: ["}, "TemplateFailed", "cannot load values.yaml"),
        ({"charts/bad.tgz": "no archive"}, "TemplateFailed", "bad.tgz"),
        (
            {"templates/config.yaml": CONFIG.replace("kind: ConfigMap", "")},
            "InvalidObject",
            "has no kind",
        ),
    ],
)
async def test_a_chart_that_is_wrong_is_told(
    files: dict[str, str], reason: str, said: str, bench: Bench
) -> None:
    chart(bench, **files)
    error = await bench.error("chart")
    assert (error.reason, error.retryable) == (reason, False)
    assert said in error.message


async def test_values_are_checked_by_the_charts_schema(bench: Bench) -> None:
    chart(bench, **{"values.schema.json": '{"properties": {"a": {"type": "integer"}}}'})
    assert await values(bench, HelmOptions(values={"a": 2})) == {"a": 2, "b": {"c": 2, "d": 3}}
    error = await bench.error("chart", HelmOptions(values={"a": "x"}))
    assert (error.reason, error.retryable) == ("ValuesInvalid", False)
    assert "at '/a': got string, want integer" in error.message


async def test_a_schema_elsewhere_is_not_fetched_and_told(bench: Bench) -> None:
    schema = '{"properties": {"a": {"$ref": "http://127.0.0.1:1/a.json"}}}'
    chart(bench, **{"values.schema.json": schema})
    rendered = await bench.render("chart")
    assert len(rendered.objects) == 1
    assert len(rendered.warnings) == 1
    assert "the chart's schema refers to http://127.0.0.1:1/a.json" in rendered.warnings[0]


async def test_a_key_that_is_rendered_twice_is_told(bench: Bench) -> None:
    chart(bench, **{"templates/config.yaml": CONFIG + "  kube: twice\n"})
    rendered = await bench.render("chart")
    assert orjson.loads(rendered.objects[0].body)["data"]["kube"] == "twice"
    assert len(rendered.warnings) == 1
    assert rendered.warnings[0].startswith(
        "chart/templates/config.yaml renders the key 'kube' twice"
    )


async def test_links_in_a_chart(bench: Bench) -> None:
    chart(bench)
    bench.write({"shared/more.yaml": SUB, "shared/more/a.txt": "x"})
    bench.link("chart/templates/more.yaml", "../../shared/more.yaml")
    bench.link("chart/files", "../shared/more")
    bench.link("chart/nowhere", "gone")
    bench.write({"chart/.helmignore": "nowhere\n"})
    (bench.root / "chart/nowhere").unlink()
    rendered = await bench.render("chart")
    assert [item.file for item in rendered.objects] == [
        "chart/templates/config.yaml",
        "chart/templates/more.yaml",
    ]
    (bench.root.parent / "secret").write_text("secret")
    bench.link("shared/more/out", "../../../secret")
    error = await bench.error("chart")
    assert error.reason == "PathOutside"
    assert error.message.startswith("shared/more/out is a symbolic link that leads out")


async def test_a_template_that_eats_all_memory_is_stopped(bench: Bench) -> None:
    chart(bench, **{"templates/big.yaml": '{{ $x := repeat 600000000 "xx" }}{{ len $x }}'})
    bench.renderer = bench.make(limits=Limits(memory=256 << 20))
    error = await bench.error("chart")
    assert error.reason == "OutOfMemory"
    assert error.message.startswith("helm needed more memory than the limit of 256 MiB")


async def test_a_template_that_writes_without_end_is_stopped(bench: Bench) -> None:
    text = SUB + 'data: {x: {{ repeat 3000000 "x" }}}\n'
    chart(bench, **{"templates/big.yaml": text.replace("-{{ .Values.x }}", "")})
    assert len(await bench.objects("chart")) == 2
    bench.renderer = bench.make(limits=Limits(output=1 << 20))
    error = await bench.error("chart")
    assert (error.reason, error.retryable) == ("RenderTooLarge", False)


async def test_a_release_name_that_helm_refuses_is_told(bench: Bench) -> None:
    chart(bench)
    for name in ("Not_Allowed", "--post-renderer=x", "--version"):
        error = await bench.error("chart", HelmOptions(release_name=name))
        assert error.reason == "TemplateFailed"
        assert f"release name {name!r}".replace("'", '"') in error.message
        assert error.message.endswith(": say another one in spec.helm.releaseName")


@pytest.mark.parametrize("path", ["", "password"])
async def test_values_from_the_cluster_are_in_no_message(path: str, bench: Bench) -> None:
    template = '{{ fail (printf "bad: %s, %s" .Values.password .Values.kept) }}'
    schema = '{"properties": {"password": {"pattern": "^x"}}}'
    chart(bench, **{"templates/bad.yaml": template, "values.yaml": "kept: kept"})
    text = "oho-12" if path else "password: oho-12"
    error = await bench.error("chart", values=[ValuesDocument(text, path)])
    assert "bad: ***, kept" in error.message
    chart(bench, **{"values.schema.json": schema, "values.yaml": "a: 1"})
    error = await bench.error("chart", values=[ValuesDocument(text, path)])
    assert error.reason == "ValuesInvalid"
    assert "oho" not in error.message


async def test_charts_that_depend_on_each_other_are_refused(bench: Bench) -> None:
    chart(
        bench,
        **{"Chart.yaml": DEPENDENT.replace("https://example.com/charts", "file://../libs/common")},
    )
    back = "dependencies:\n- {name: shop, version: 1.x, repository: 'file://../../chart'}\n"
    bench.write({"libs/common/Chart.yaml": LIBRARY + back})
    error = await bench.error("chart")
    assert error.reason == "ChartInvalid"
    assert error.message == "chart/Chart.yaml: it depends on itself, by file:// dependencies"


def test_only_what_comes_from_a_secret_is_secret() -> None:
    documents = [
        ValuesDocument("db: {password: hunter2, port: 5432, ssl: true, user: app}", secret=True),
        ValuesDocument("hunter3", "db.other", secret=True),
        ValuesDocument("a: [unclosed", secret=True),
        ValuesDocument("colour: green"),
    ]
    assert secret_texts(documents) >= {"hunter2", "5432", "hunter3", "a: [unclosed"}
    assert not secret_texts(documents) & {"True", "app", "green", "colour: green"}


def test_each_line_of_a_secret_is_secret() -> None:
    key = ValuesDocument("tls:\n  key: |\n    -----BEGIN\n    c2VjcmV0\n", secret=True)
    assert {"-----BEGIN", "c2VjcmV0"} <= secret_texts([key])
    # But of a document of values its values, and not what stands around them.
    assert not secret_texts([key]) & {"tls:", "key: |"}


@pytest.mark.parametrize("kind", ["link to itself", "cut", "number"])
async def test_helm_says_what_is_wrong_with_an_archive(kind: str, bench: Bench) -> None:
    chart(bench)
    path = bench.root / "chart/charts/common-2.0.0.tgz"
    archive(bench, "chart/charts/common-2.0.0.tgz", {"common/Chart.yaml": "name: " + "1" * 5000})
    if kind == "link to itself":
        with tarfile.open(path, "w:gz") as packed:
            member = tarfile.TarInfo("common/Chart.yaml")
            member.type, member.linkname = tarfile.SYMTYPE, "Chart.yaml"
            packed.addfile(member)
    elif kind == "cut":
        path.write_bytes(path.read_bytes()[:-20])
    error = await bench.error("chart")
    assert error.reason == "TemplateFailed"
