"""What a DriftCheck says of comparison: rules, trusted managers, added fields."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from e2e.drift.conftest import Shop


@dataclass(frozen=True, slots=True)
class Rule:
    """A change by hand, and what of a spec makes it none."""

    name: str
    command: tuple[str, ...]
    spec: Mapping[str, Any]
    path: str
    origin: str


def rules(*rules: Mapping[str, Any]) -> Mapping[str, Any]:
    return {"compare": {"ignore": list(rules)}}


DEPLOYMENT = {"kind": "Deployment", "name": "pod.*"}
SET_IMAGE = ("set", "image", "deployment/podinfo", "podinfod=podinfo:latest")
ANNOTATE = ("annotate", "service/podinfo", "example.com/note=by hand")
RULES = (
    Rule(
        "a-path-with-a-wildcard",
        SET_IMAGE,
        rules({"paths": ["/spec/template/spec/containers/*/image"], "target": DEPLOYMENT}),
        "/spec/template/spec/containers/0/image",
        "spec.compare.ignore[0]",
    ),
    Rule(
        "a-manager",
        SET_IMAGE,
        rules({"paths": ["/spec/nothing"]}, {"managers": ["kubectl-set"]}),
        "/spec/template/spec/containers/0/image",
        "spec.compare.ignore[1]",
    ),
    Rule(
        "an-object",
        ("delete", "service/podinfo"),
        rules({"paths": [""], "target": {"kind": "Service"}}),
        "",
        "spec.compare.ignore[0]",
    ),
    Rule(
        "added-fields",
        ANNOTATE,
        {"compare": {"added": "Ignore"}},
        "/metadata/annotations/example.com~1note",
        "compare.added: Ignore",
    ),
)


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.name)
def test_what_a_rule_ignores_is_counted_and_is_no_drift(
    open_shop: Callable[..., Shop], namespace: str, rule: Rule
) -> None:
    shop = open_shop(namespace, **rule.spec)
    shop.kubectl(*rule.command)
    report = shop.check.wait(
        lambda report: report.status["summary"]["ignoredFields"], "a field to be ignored"
    )
    assert report.verdict == "InSync"
    assert "objects" not in report.status
    (found,) = report.status["ignored"]
    assert found["fields"] == [{"path": rule.path, "rule": rule.origin}]
    # Without the rule it is found, though nothing else has changed.
    shop.check.patch(compare=None)
    assert "ignored" not in shop.check.wait_verdict("Drifted").status


def test_a_rule_covers_no_other_object(open_shop: Callable[..., Shop], namespace: str) -> None:
    rule = {"paths": ["/metadata/annotations"], "target": {"kind": "Service"}}
    shop = open_shop(namespace, **rules(rule))
    shop.kubectl("annotate", "service/podinfo", "deployment/podinfo", "example.com/note=by hand")
    report = shop.check.wait(
        lambda report: report.states and "ignored" in report.status, "both objects to be told of"
    )
    assert report.states == {("Deployment", "podinfo"): "Added"}
    assert [item["kind"] for item in report.status["ignored"]] == ["Service"]


def test_what_a_trusted_manager_adds_is_no_drift(shop: Shop) -> None:
    shop.kubectl(*ANNOTATE)
    shop.check.wait_verdict("Drifted")
    shop.check.patch(managers={"trusted": ["kubectl-annotate"]})
    assert shop.check.wait_verdict("InSync").states == {}
    # Trusted to add, not to change what Git says.
    shop.kubectl("annotate", "service/podinfo", "--overwrite", "example.com/note=again")
    shop.kubectl("label", "service/podinfo", "example.com/team=shop")
    report = shop.check.wait_verdict("Drifted")
    assert list(report.changes("Service", "podinfo")) == ["/metadata/labels/example.com~1team"]


def test_a_rule_counts_though_git_does_not_render(shop: Shop) -> None:
    shop.check.patch(interval="1s")
    shop.kubectl(*ANNOTATE)
    shop.repository.commit({"kustomization.yaml": "resources: [gone.yaml]\n"})
    report = shop.check.wait(
        lambda report: report.conditions["Ready"]["reason"] == "PathNotFound", "a failure"
    )
    assert report.verdict == "Drifted"
    rule = {"paths": ["/metadata/annotations"], "target": {"kind": "Service"}}
    shop.check.patch(**rules(rule))
    report = shop.check.wait(lambda report: not report.states, "no drift")
    assert (report.verdict, report.conditions["Ready"]["reason"]) == ("Unknown", "PathNotFound")


def test_a_rule_may_be_about_what_git_has_dropped(shop: Shop) -> None:
    shop.check.patch(interval="1s")
    kustomization = shop.repository.git("show", "main:kustomization.yaml")
    shop.repository.commit({"kustomization.yaml": kustomization.replace("- service.yaml", "")})
    shop.check.wait_verdict("Drifted")
    shop.check.patch(**rules({"paths": [""], "target": {"kind": "Service"}}))
    report = shop.check.wait_verdict("InSync")
    assert [item["name"] for item in report.status["ignored"]] == ["podinfo"]
    shop.check.patch(compare=None)
    report = shop.check.wait_verdict("Drifted")
    assert report.states == {("Service", "podinfo"): "Orphaned"}
