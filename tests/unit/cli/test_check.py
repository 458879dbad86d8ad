from __future__ import annotations

import io
import json
from dataclasses import replace

import pytest
import yaml

from leadsman.cli.check import exit_code
from leadsman.cli.output import print_data, print_table
from leadsman.model.finding import Cause, Change, Finding, Op, State, Summary
from leadsman.model.identity import Gvk, ObjectKey, TargetKey
from leadsman.model.source import Commit
from leadsman.model.status import Failure, TargetStatus, Verdict

_IMAGE = Change(
    path="/spec/template/spec/containers/0/image",
    field='.spec.template.spec.containers[name="web"].image',
    op=Op.REPLACE,
    desired="web:1",
    live="web:2",
    manager="kubectl-set",
    operation="Update",
    time="2026-01-01T12:03:10Z",
)
_WEB = Finding(
    key=ObjectKey("apps", "Deployment", "shop", "web"),
    gvk=Gvk("apps", "v1", "Deployment"),
    state=State.MODIFIED,
    changes=(_IMAGE,),
    file="base/web.yaml",
)
_GONE = Finding(
    key=ObjectKey("", "Service", "shop", "web"),
    gvk=Gvk("", "v1", "Service"),
    state=State.MISSING,
    file="base/service.yaml",
)
_BROKEN = Failure("render", "TemplateFailed", "templates/x.yaml:3: no such value\nsecond line")


def _status(
    verdict: Verdict, *findings: Finding, failure: Failure | None = None, name: str = "./prod"
) -> TargetStatus:
    counts = dict.fromkeys(State, 0) | {State.IN_SYNC: 3}
    for finding in findings:
        counts[finding.state] += 1
    return TargetStatus(
        key=TargetKey("Path", "shop", name),
        uid="",
        generation=0,
        verdict=verdict,
        summary=Summary(counts),
        findings=findings,
        inventory=(_WEB.key,),
        failure=failure,
        commit=Commit("0123456789" * 4, "main@sha1:" + "0123456789" * 4 + "+dirty"),
    )


@pytest.mark.parametrize(
    ("statuses", "code"),
    [
        ((), 0),
        ((_status(Verdict.IN_SYNC),), 0),
        ((_status(Verdict.IN_SYNC), _status(Verdict.DRIFTED, _WEB)), 1),
        ((_status(Verdict.UNKNOWN), _status(Verdict.DRIFTED, _WEB)), 2),
        ((_status(Verdict.DRIFTED, _WEB, failure=_BROKEN),), 2),
    ],
)
def test_the_exit_code_is_that_of_the_worst(statuses: tuple[TargetStatus, ...], code: int) -> None:
    assert exit_code(statuses) == code


def test_the_table_shows_who_changed_what_and_where_it_comes_from() -> None:
    out = io.StringIO()
    print_table([_status(Verdict.DRIFTED, _GONE, _WEB)], out)
    lines = out.getvalue().splitlines()
    assert lines[0].split() == ["TARGET", "VERDICT", "OBJECTS", "DRIFTED", "MISSING", "REVISION"]
    assert lines[1].split() == ["./prod", "Drifted", "5", "2", "1", "main@01234567+dirty"]
    assert "Modified     Deployment shop/web  base/web.yaml" in lines
    assert (
        '  spec.template.spec.containers[name="web"].image: "web:1" -> "web:2" '
        "(kubectl-set, 2026-01-01T12:03:10Z)"
    ) in lines
    assert "Missing      Service shop/web  base/service.yaml" in lines


def test_a_long_name_is_never_cut_and_keeps_the_columns_aligned() -> None:
    out = io.StringIO()
    long = "deploy/" + "x" * 200
    print_table([_status(Verdict.IN_SYNC, name=long), _status(Verdict.IN_SYNC)], out)
    head, first, second = out.getvalue().splitlines()
    assert first.startswith(long + "   InSync")
    assert head.index("VERDICT") == first.index("InSync") == second.index("InSync")


def test_in_sync_needs_no_further_word() -> None:
    out = io.StringIO()
    print_table([_status(Verdict.IN_SYNC)], out)
    assert len(out.getvalue().splitlines()) == 2


def test_what_admission_changed_is_told_and_is_no_trouble() -> None:
    change = replace(_IMAGE, cause=Cause.ADMISSION)
    excused = replace(_WEB, state=State.IN_SYNC, changes=(), excused=(change,))
    told = _status(Verdict.IN_SYNC, excused)
    assert exit_code([told]) == 0
    out = io.StringIO()
    print_table([told], out)
    lines = out.getvalue().splitlines()
    assert "InSync       Deployment shop/web  base/web.yaml" in lines
    assert (
        '  spec.template.spec.containers[name="web"].image: "web:1" -> "web:2" '
        "(changed on admission, kubectl-set, 2026-01-01T12:03:10Z)"
    ) in lines


def test_a_failure_is_told_whole() -> None:
    out = io.StringIO()
    print_table([_status(Verdict.UNKNOWN, failure=_BROKEN)], out)
    assert "TemplateFailed: templates/x.yaml:3: no such value\nsecond line" in out.getvalue()


def test_what_a_terminal_would_act_on_is_escaped() -> None:
    out = io.StringIO()
    print_table([_status(Verdict.UNKNOWN, name="\x1b]0;owned\x07")], out)
    assert "\x1b" not in out.getvalue()


@pytest.mark.parametrize("style", ["json", "yaml"])
def test_data_is_the_report_of_each_target(style: str) -> None:
    out = io.StringIO()
    print_data([_status(Verdict.DRIFTED, _WEB)], style, out, 0.0)
    load = json.loads if style == "json" else yaml.safe_load
    (entry,) = load(out.getvalue())
    assert entry["target"] == {"kind": "Path", "namespace": "shop", "name": "./prod"}
    assert entry["status"]["verdict"] == "Drifted"
    assert entry["status"]["objects"][0]["changes"][0]["manager"] == "kubectl-set"
    assert "inventory" not in entry["status"]
