"""The custom resource definitions on a real API server."""

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from controlplane.api import ApiError
from controlplane.plane import ControlPlane
from leadsman.model.finding import Cause, Change, Finding, IgnoredChange, Op, State, Summary
from leadsman.model.identity import Gvk, ObjectKey, TargetKey
from leadsman.model.source import Commit
from leadsman.model.status import TargetStatus, Verdict
from leadsman.report.driftreport import build_report, build_status
from leadsman.targets.driftcheck import API_VERSION, KIND, target_from

ROOT = Path(__file__).parents[2]
CASES = yaml.safe_load((ROOT / "tests/unit/targets/driftchecks.yaml").read_text())
CRDS = ("crd/driftchecks.leadsman.dev", "crd/driftreports.leadsman.dev")
NOW = 1_800_000_000.0


@pytest.fixture(scope="module", autouse=True)
def _crds(control_plane: ControlPlane) -> None:
    control_plane.kubectl("apply", "-k", ROOT / "crds")
    control_plane.kubectl("wait", "--for=condition=Established", "--timeout=30s", *CRDS)


def try_driftcheck(control_plane: ControlPlane, spec: dict[str, Any]) -> dict[str, Any]:
    """Create a DriftCheck in a dry run, with what is misspelt refused, and return it."""
    spec = {"url": "https://git.example.org/shop.git"} | spec
    body = {"apiVersion": API_VERSION, "kind": KIND, "metadata": {"name": "shop"}, "spec": spec}
    collection = f"/apis/{API_VERSION}/namespaces/default/driftchecks"
    created: dict[str, Any] = control_plane.api.create(
        f"{collection}?dryRun=All&fieldValidation=Strict", body
    )
    return created


@pytest.mark.parametrize("crd", CRDS)
def test_the_api_server_finds_nothing_wrong_with_the_schema(
    control_plane: ControlPlane, crd: str
) -> None:
    found = json.loads(control_plane.kubectl("get", crd, "-o", "json").stdout)
    conditions = {item["type"]: item["status"] for item in found["status"]["conditions"]}
    assert conditions == {"NamesAccepted": "True", "Established": "True"}


@pytest.mark.parametrize("case", CASES["accepted"], ids=lambda case: case["name"])
def test_a_valid_spec_is_accepted(control_plane: ControlPlane, case: dict[str, Any]) -> None:
    created = try_driftcheck(control_plane, case["spec"])
    assert target_from(created).key == TargetKey(KIND, "default", "shop")


@pytest.mark.parametrize("case", CASES["refused"], ids=lambda case: case["name"])
def test_an_invalid_spec_is_refused(control_plane: ControlPlane, case: dict[str, Any]) -> None:
    if "server" not in case:
        assert try_driftcheck(control_plane, case["spec"])
        return
    with pytest.raises(ApiError) as caught:
        try_driftcheck(control_plane, case["spec"])
    assert case["server"] in str(caught.value)


def test_the_api_servers_defaults(control_plane: ControlPlane) -> None:
    spec = {"helm": {"valuesFrom": [{"kind": "Secret", "name": "a"}]}, "compare": {}}
    assert try_driftcheck(control_plane, spec)["spec"] == {
        "url": "https://git.example.org/shop.git",
        "interval": "1m",
        "timeout": "60s",
        "recurseSubmodules": False,
        "suspend": False,
        "allowEmpty": False,
        "helm": {
            "skipCRDs": False,
            "skipTests": True,
            "valuesFrom": [
                {"kind": "Secret", "name": "a", "valuesKey": "values.yaml", "optional": False}
            ],
        },
        "compare": {"added": "Report"},
    }


def test_kubectl_explains_every_field(control_plane: ControlPlane) -> None:
    # Looks the kinds up anew, where explain would trust what was there before.
    control_plane.kubectl("api-resources")
    text = control_plane.kubectl("explain", "dc.spec.ref.commit").stdout
    assert "A full commit hash." in text
    for kind in ("driftchecks", "driftreports"):
        assert (
            "<no description>" not in control_plane.kubectl("explain", kind, "--recursive").stdout
        )


def drifted(namespace: str) -> TargetStatus:
    """Return a status that has something in every place of a report."""
    deployment = Gvk("apps", "v1", "Deployment")
    changes = (
        Change("/spec/replicas", ".spec.replicas", Op.REPLACE, 2, 3, Cause.LIVE, "kubectl-scale"),
        Change("/spec/template", ".spec.template", Op.ADD, live={"a": [1, None, {"b": "c"}]}),
        Change("/data/a", ".data.a", Op.REMOVE, desired="text", cause=Cause.LEFT_BEHIND),
    )
    excused = (
        Change("/data/b", ".data.b", Op.REPLACE, None, live=True, cause=Cause.ADMISSION),
        Change(
            "/data/c", ".data.c", Op.REPLACE, 1.5, [], Cause.PENDING, "m", "Apply", "scale",
            "2026-10-01T12:00:00Z",
        ),
    )  # fmt: skip
    findings = tuple(
        Finding(
            key=ObjectKey("apps", "Deployment", namespace, f"web-{state.lower()}"),
            gvk=deployment,
            state=state,
            changes={State.MODIFIED: changes, State.ADDED: changes[1:2]}.get(state, ()),
            excused=excused if state in {State.MODIFIED, State.IN_SYNC} else (),
            ignored=(IgnoredChange("/spec/x", "spec.compare.ignore[0]"),),
            reason="Forbidden" if state is State.UNVERIFIABLE else "",
            message="may not be read" if state is State.UNVERIFIABLE else "",
            file="deploy/web.yaml",
            since=NOW,
        )
        for state in State
    )
    return TargetStatus(
        key=TargetKey(KIND, namespace, "shop"),
        uid="",
        generation=3,
        verdict=Verdict.DRIFTED,
        summary=Summary(
            dict.fromkeys(State, 1), ignored_fields=7, admission_fields=2, pending_fields=2
        ),
        findings=findings,
        inventory=tuple(finding.key for finding in findings),
        commit=Commit("5f" * 20, f"main@sha1:{'5f' * 20}", "A. Author", "Scale up", NOW),
        url="https://git.example.org/shop.git",
        renderer="Kustomize",
        warnings=("something is deprecated",),
        drift_since=NOW,
        suspended_since=NOW,
    )


def write_report(control_plane: ControlPlane, status: TargetStatus) -> dict[str, Any]:
    """Write a report as Leadsman does, with what is misspelt refused, and return its status."""
    report, content = build_report(status), build_status(status, None, NOW)
    namespace, name = status.key.namespace, status.key.name
    path = f"/apis/{API_VERSION}/namespaces/{namespace}/driftreports/{name}"
    options = "fieldManager=leadsman&force=true&fieldValidation=Strict"
    control_plane.api.patch(f"{path}?{options}", report, "apply-patch+yaml")
    written: dict[str, Any] = control_plane.api.patch(
        f"{path}/status?{options}", report | {"status": content}, "apply-patch+yaml"
    )
    assert written["status"] == content, "nothing was pruned, defaulted or turned into another type"
    return written


def test_a_report_is_stored_as_it_was_built(control_plane: ControlPlane) -> None:
    with control_plane.namespace("crds") as namespace:
        written = write_report(control_plane, drifted(namespace))
        assert len(written["status"]["objects"]) == len(State) - 1
        # The lists are atomic, so managedFields does not grow with what is found.
        assert len(json.dumps(written["metadata"]["managedFields"])) < 2500


def test_a_report_is_shown_as_a_table(control_plane: ControlPlane) -> None:
    with control_plane.namespace("crds") as namespace:
        write_report(control_plane, drifted(namespace))
        table = control_plane.kubectl("get", "dr", "-n", namespace).stdout.splitlines()
        assert table[0].split() == [
            "NAME", "VERDICT", "DRIFTED", "MISSING", "SUSPENDED", "REVISION", "SINCE", "AGE",
        ]  # fmt: skip
        revision = f"main@sha1:{'5f' * 20}"
        assert table[1].split()[:6] == ["shop", "Drifted", "4", "1", "True", revision]
        wide = control_plane.kubectl("get", "dr", "-n", namespace, "-o", "wide").stdout
        assert {"READY", "REASON", "OBJECTS", "REJECTED", "SUSPENDED-SINCE", "URL"} <= set(
            wide.split()
        )
        by_category = control_plane.kubectl("get", "leadsman", "-n", namespace, "-o", "name").stdout
        assert by_category == "driftreport.leadsman.dev/shop\n"


def test_reports_can_be_selected_and_waited_for(control_plane: ControlPlane) -> None:
    with control_plane.namespace("crds") as namespace:
        write_report(control_plane, drifted(namespace))
        for selector, found in (
            ("status.verdict=Drifted,status.suspended=true", "driftreport.leadsman.dev/shop\n"),
            ("status.verdict=InSync", ""),
        ):
            listed = control_plane.kubectl(
                "get", "dr", "-n", namespace, "--field-selector", selector, "-o", "name"
            )
            assert listed.stdout == found
        wait = ("wait", "-n", namespace, "driftreport/shop", "--timeout=5s")
        control_plane.kubectl(*wait, "--for=condition=InSync=False")
        control_plane.kubectl(*wait, "--for=condition=Suspended")
        in_sync = control_plane.kubectl(
            *wait[:-1], "--timeout=0s", "--for=condition=InSync", check=False
        )
        assert in_sync.returncode != 0


def test_a_report_stays_with_its_target(control_plane: ControlPlane) -> None:
    with control_plane.namespace("crds") as namespace:
        write_report(control_plane, drifted(namespace))
        path = f"/apis/{API_VERSION}/namespaces/{namespace}/driftreports/shop"
        with pytest.raises(ApiError, match="a report stays with its target"):
            control_plane.api.patch(path, {"spec": {"target": {"name": "other"}}})
