"""The README names what there is: metrics, alerts, fields, options."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import yaml
from prometheus_client.parser import text_string_to_metric_families

from leadsman.report.own_metrics import Instruments
from leadsman.report.target_metrics import TargetMetrics

ROOT = Path(__file__).resolve().parents[2]
README = (ROOT / "README.md").read_text()


def _families() -> set[str]:
    text = Instruments().exposition(more=TargetMetrics().families())[0].decode()
    families = {family.name: family.type for family in text_string_to_metric_families(text)}
    return {
        f"{name}_total" if kind == "counter" else name
        for name, kind in families.items()
        if name.startswith("leadsman_")
    }


def _properties(kind: str, *path: str) -> set[str]:
    crd = yaml.safe_load((ROOT / f"crds/{kind}.leadsman.dev.yaml").read_text())
    schema: dict[str, Any] = crd["spec"]["versions"][0]["schema"]["openAPIV3Schema"]
    for step in path:
        schema = schema["items"] if step == "*" else schema["properties"][step]
    return set(schema["properties"])


def _table(heading: str) -> str:
    """Return a section's tables, up to the next heading."""
    section = README.split(f"\n## {heading}\n", 1)[1].split("\n## ", 1)[0]
    return "\n".join(line for line in section.splitlines() if line.startswith("|"))


def _first_cells(heading: str) -> set[str]:
    rows = _table(heading).splitlines()
    named = [re.findall(r"`([^`]+)`", row.split("|")[1]) for row in rows]
    return {name for names in named for name in names}


def test_every_metric_is_in_the_readme_and_no_other() -> None:
    named = set(re.findall(r"leadsman_[a-z_]+[a-z]", _table("Metrics and alerts")))
    assert named == _families()


def test_every_alert_is_in_the_readme_with_its_runbook() -> None:
    rules = yaml.safe_load((ROOT / "deploy/monitoring/leadsman.rules.yaml").read_text())
    alerts = {rule["alert"] for group in rules["groups"] for rule in group["rules"]}
    links = dict(re.findall(r"\[`(Leadsman\w+)`\]\(([^)]+)\)", README))
    assert set(links) == alerts
    assert all((ROOT / link).is_file() for link in links.values())


def test_every_field_of_a_driftcheck_is_in_the_readme() -> None:
    named = {re.split(r"[.\[]", name)[0] for name in _first_cells("DriftCheck")}
    assert named == _properties("driftchecks", "spec")


def test_the_fields_of_a_driftreport_in_the_readme_are_there() -> None:
    named = {re.split(r"[.\[]", name)[0] for name in _first_cells("DriftReport")}
    states = {"InSync", "Modified", "Added", "Missing", "Orphaned", "Rejected", "Unverifiable"}
    assert states <= named
    assert named - states <= _properties("driftreports", "status")


def test_the_two_commands_are_named() -> None:
    makefile = (ROOT / "Makefile").read_text()
    for command in re.findall(r"^    make (\w+)", README, re.MULTILINE):
        assert re.search(rf"^{command}:", makefile, re.MULTILINE), command
    assert "make demo" in README
    assert "make test" in README
