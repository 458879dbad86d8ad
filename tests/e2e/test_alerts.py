"""The alert rules, judged by Prometheus' own promtool."""

import subprocess
from pathlib import Path

import pytest

from alerts.promtool import promtool

ROOT = Path(__file__).parents[2]
RULES = ROOT / "deploy/monitoring/leadsman.rules.yaml"
CASES = sorted((ROOT / "tests/alerts").glob("*.yaml"))


# Building promtool is counted in.
pytestmark = pytest.mark.timeout(900)


def run(*arguments: str | Path) -> None:
    done = subprocess.run(
        [promtool(), *arguments], capture_output=True, text=True, check=False, timeout=120
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_rules_are_valid_and_without_lint() -> None:
    run("check", "rules", "--lint=all", "--lint-fatal", RULES)


@pytest.mark.parametrize("case", CASES, ids=lambda path: path.stem)
def test_an_alert_fires_when_it_should_and_only_then(case: Path) -> None:
    run("test", "rules", case)
