"""The rules as data; what they fire on is shown by promtool with ``tests/alerts``."""

import re
from pathlib import Path

import pytest
import yaml

from leadsman.model.finding import DRIFTED_STATES, State
from leadsman.model.json import JsonObject
from leadsman.report.own_metrics import Instruments
from leadsman.report.target_metrics import FAMILIES

ROOT = Path(__file__).parents[3]
RUNBOOKS = ROOT / "docs/runbooks"
(GROUP,) = yaml.safe_load((ROOT / "deploy/monitoring/leadsman.rules.yaml").read_text())["groups"]
ALERTS: dict[str, JsonObject] = {rule["alert"]: rule for rule in GROUP["rules"]}


def test_the_alerts() -> None:
    assert list(ALERTS) == [
        "LeadsmanDrift",
        "LeadsmanReconciliationFailing",
        "LeadsmanUnverifiable",
        "LeadsmanSuspended",
        "LeadsmanStale",
        "LeadsmanDown",
    ]


@pytest.mark.parametrize("name", ALERTS)
def test_an_alert_says_what_a_person_needs(name: str) -> None:
    alert = ALERTS[name]
    assert alert["labels"]["severity"] in {"info", "warning", "critical"}
    assert set(alert["annotations"]) == {"summary", "description", "runbook_url"}
    assert alert["for"]


@pytest.mark.parametrize("name", ALERTS)
def test_an_alert_leads_to_its_runbook(name: str) -> None:
    link = ALERTS[name]["annotations"]["runbook_url"]
    assert link == f"https://leadsman.dev/docs/runbooks/{name}.md"
    runbook = (RUNBOOKS / f"{name}.md").read_text()
    assert runbook.startswith(f"# {name}\n\n**Meaning.**")
    for section in ("**Impact.**", "## How to look", "## How to mend", "## False alarms"):
        assert section in runbook


def test_there_is_no_runbook_of_an_alert_that_is_gone() -> None:
    assert {path.stem for path in RUNBOOKS.iterdir()} == set(ALERTS)


def states(name: str) -> set[str]:
    expression: str = ALERTS[name]["expr"]
    return set(expression.partition('state=~"')[2].partition('"')[0].split("|"))


def test_drift_is_what_the_code_calls_drift() -> None:
    assert states("LeadsmanDrift") == {state.value for state in DRIFTED_STATES}


def test_there_is_an_alert_for_every_state_that_is_not_in_sync() -> None:
    drifted, unknown = states("LeadsmanDrift"), states("LeadsmanUnverifiable")
    assert not drifted & unknown
    assert drifted | unknown == {state.value for state in State} - {"InSync"}


def test_the_rules_ask_for_metrics_and_labels_that_are_there() -> None:
    served = {family.name: set(family.labels) for family in FAMILIES} | {
        family.name: set() for family in Instruments().registry.collect()
    }
    for alert in ALERTS.values():
        for name in set(re.findall(r"leadsman_\w+", alert["expr"])):
            assert name in served
            dropped = re.search(rf"without \(([^)]*)\) \(\s*{name}", alert["expr"])
            labels = set(dropped[1].split(", ")) - {"pod", "instance"} if dropped else set()
            assert labels <= served[name], name


@pytest.mark.parametrize("name", ALERTS)
def test_an_alert_is_tested_both_ways(name: str) -> None:
    checks = [
        check
        for path in sorted((ROOT / "tests/alerts").glob("*.yaml"))
        for test in yaml.safe_load(path.read_text())["tests"]
        for check in test["alert_rule_test"]
        if check["alertname"] == name
    ]
    assert [bool(check["exp_alerts"]) for check in checks[:3]] in (
        [False, True, True],
        [False, True, False],
    )
    assert not checks[2]["exp_alerts"] or not checks[3]["exp_alerts"], "it resolves"
