"""Helm: what ``helm template`` makes of a chart in the repository, by the real program.

Hooks are no part of a release's objects, so they are left out; tests are hooks. A missing
dependency, a values file, and what leads out of the repository are found before Helm runs.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, ClassVar, Final

from leadsman.errors import RenderError
from leadsman.render.builder import YamlError
from leadsman.render.chart import Chart, read_chart, source_file, values_file
from leadsman.render.decoder import parse
from leadsman.render.dependencies import assemble
from leadsman.render.documents import Documents, Manifest
from leadsman.render.helm_run import HelmRun
from leadsman.render.helm_values import write_values
from leadsman.render.messages import mask, note, scrub, shorten
from leadsman.render.threads import in_thread

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from leadsman.model.target import HelmOptions
    from leadsman.render.checkout import Checkout
    from leadsman.render.program import Program
    from leadsman.render.request import ClusterFacts, ValuesDocument
    from leadsman.render.sandbox import Outcome, Sandbox

_SOURCE: Final = re.compile(rb"^---\n# Source: (.+)$", re.MULTILINE)
_REMOTE_SCHEMA: Final = re.compile(r'failing loading "(https?://[^"]*)"')
_LOG_LINE: Final = re.compile(r"^(?:level=|\d{4}/\d\d/\d\d |[a-z_]+\.go:\d+: )")
_WARNING: Final = re.compile(r"^level=WARN(?:ING)? msg=(.*)$", re.MULTILINE)
_HOOK: Final = "helm.sh/hook"
_TESTS: Final = frozenset({"test", "test-success"})
_DEBUG_HINT: Final = "Use --debug flag to render out invalid YAML"
_API_VERSIONS_PER_FLAG: Final = 1000


@dataclass(frozen=True, slots=True)
class HelmPlan:
    """What is to be rendered; ``files`` are located values files, the first the weakest."""

    kind: ClassVar[str] = "Helm"

    chart: Chart
    files: tuple[str, ...]
    documents: tuple[ValuesDocument, ...] = field(repr=False)
    options: HelmOptions
    release: str
    namespace: str
    kube_version: str
    api_versions: tuple[str, ...]

    def key(self) -> list[object] | None:
        """Return what the result depends on besides files; None if it is not to be kept.

        That is so with values from the cluster, which may be Secrets: what is rendered from them
        stays in memory.
        """
        if self.documents:
            return None
        return [
            self.chart.folder,
            self.options,
            self.release,
            self.namespace,
            self.kube_version,
            sorted(self.api_versions),
        ]


def plan_helm(
    checkout: Checkout,
    folder: str,
    options: HelmOptions,
    documents: Sequence[ValuesDocument],
    facts: ClusterFacts,
    *,
    release: str,
    namespace: str,
) -> HelmPlan:
    """Read the chart in a located folder and see that all it needs is there. Raises RenderError."""
    return HelmPlan(
        chart=read_chart(checkout, folder),
        files=tuple(values_file(checkout, folder, name) for name in options.values_files),
        documents=tuple(documents),
        options=options,
        release=options.release_name or release,
        namespace=namespace,
        kube_version=options.kube_version or facts.kube_version,
        api_versions=options.api_versions or facts.api_versions,
    )


async def template(
    plan: HelmPlan, checkout: Checkout, program: Program, sandbox: Sandbox, scratch: Path
) -> Documents:
    """Run ``helm template``. Raises RenderError."""
    values_folder = scratch / "values"
    helm = HelmRun(program, sandbox, scratch)
    chart = await assemble(plan.chart, checkout, helm)
    values = await in_thread(
        write_values, values_folder, checkout, plan.files, plan.documents, plan.options.values
    )
    arguments = _arguments(plan, chart.path, values.paths)

    async def run(*more: str) -> Outcome:
        return await helm(
            ["template", *more, *arguments], (checkout.root, values_folder, *chart.read)
        )

    warnings: list[str] = []
    outcome = await run()
    remote = _REMOTE_SCHEMA.search(outcome.stderr)
    if outcome.status != 0 and remote:
        warnings.append(
            f"the values are not checked: the chart's schema refers to {remote[1]}, and rendering "
            "has no network"
        )
        outcome = await run("--skip-schema-validation")
    said = scrub(
        mask(outcome.stderr, values.secrets),
        {chart.path: plan.chart.folder, checkout.root: "", **values.names},
    )
    if outcome.status != 0:
        raise _failed(plan.chart, checkout, said)
    warnings += [f"helm: {match[1]}" for match in _WARNING.finditer(said)]
    return await in_thread(_documents, plan, checkout, outcome.stdout, warnings)


def _arguments(plan: HelmPlan, chart: Path, value_paths: Sequence[Path]) -> list[str]:
    options = plan.options
    # As comma-separated lists, because one flag each makes thousands.
    groups = [
        ",".join(plan.api_versions[start : start + _API_VERSIONS_PER_FLAG])
        for start in range(0, len(plan.api_versions), _API_VERSIONS_PER_FLAG)
    ]
    return [
        *("--namespace", plan.namespace),
        *(() if options.skip_crds else ("--include-crds",)),
        *(("--no-hooks",) if options.skip_tests else ()),
        *(("--kube-version", plan.kube_version) if plan.kube_version else ()),
        *(word for group in groups for word in ("--api-versions", group)),
        *(word for path in value_paths for word in ("--values", str(path))),
        # What follows is no flag, whatever it begins with.
        *("--", plan.release, str(chart)),
    ]


def _failed(chart: Chart, checkout: Checkout, said: str) -> RenderError:
    """Make an error of what Helm says, with the chart's files named as in the repository."""
    lines = [
        line
        for line in said.splitlines()
        if line.strip() and line != _DEBUG_HINT and not _LOG_LINE.match(line)
    ]
    text = "\n".join(lines).removeprefix("Error: ")
    if chart.name:
        text = re.sub(
            rf"(?<![\w/.-]){re.escape(chart.name)}/(?:templates|charts|crds)/[\w./-]+",
            lambda match: source_file(checkout, chart, match[0]),
            text,
        )
    if text.startswith("release name check failed"):
        text += ": say another one in spec.helm.releaseName"
    reason = "ValuesInvalid" if "the specifications of the schema" in text else "TemplateFailed"
    return RenderError(
        reason, f"helm template {chart.folder or '.'}: {text or 'failed'}", retryable=False
    )


def _documents(plan: HelmPlan, checkout: Checkout, output: bytes, warnings: list[str]) -> Documents:
    starts: list[int] = []
    files: list[str] = []
    known: dict[str, str] = {}
    line = at = 0
    for match in _SOURCE.finditer(output):
        line += output.count(b"\n", at, match.start())
        at = match.start()
        source = match[1].decode("utf-8", "replace").strip()
        if source not in known:
            known[source] = source_file(checkout, plan.chart, source)
        starts.append(line + 1)
        files.append(known[source])

    # A name need not be UTF-8, but YAML must be, in comments, too.
    output = _SOURCE.sub(lambda match: match[0].decode("utf-8", "replace").encode(), output)

    def file_at(line: int) -> str:
        index = bisect_right(starts, line) - 1
        return files[index] if index >= 0 else plan.chart.folder

    try:
        found = parse(
            output,
            lambda line, key: note(
                warnings,
                f"{file_at(line)} renders the key {shorten(key)!r} twice in the same mapping; "
                "Helm takes the last one",
            ),
        )
    except YamlError as error:
        raise RenderError(
            error.reason or "InvalidYAML",
            f"{file_at(error.line)} renders to: {error.problem}",
            retryable=False,
        ) from error
    manifests = [Manifest(item.value, file_at(item.line)) for item in found]
    return Documents(tuple(item for item in manifests if not _is_hook(item.body)), tuple(warnings))


def _is_hook(body: object) -> bool:
    """Say whether an object is a hook but no test; tests come only where they are asked for."""
    metadata = body.get("metadata") if isinstance(body, dict) else None
    annotations = metadata.get("annotations") if isinstance(metadata, dict) else None
    hook = annotations.get(_HOOK) if isinstance(annotations, dict) else None
    if hook is None:
        return False
    return not {word.strip().lower() for word in str(hook).split(",")} & _TESTS
