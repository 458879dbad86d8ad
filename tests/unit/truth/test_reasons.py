"""Why peers say otherwise: what they look away from, and what is left to be looked at."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from truth.outcome import FALSE_ALARM, MISSED, WRONG_PATH, Fault
from truth.reasons import UNEXPLAINED, reason

PORT = "/spec/template/spec/containers/0/ports/1"


def fault(sort: str, **said: Any) -> Fault:
    return replace(Fault("kubectl", sort, "apps/v1 Deployment", "apply", ""), **said)


def test_what_git_does_not_have_is_not_compared() -> None:
    assert "Git has nothing there" in reason(fault(MISSED, place=PORT))
    assert "Git has nothing there" in reason(fault(WRONG_PATH, place=PORT, paths=("/spec/a",)))


def test_what_git_has_is_to_be_seen() -> None:
    assert reason(fault(MISSED, place=PORT, is_of_git=True)) == UNEXPLAINED
    assert reason(fault(MISSED, place=PORT, is_within=True)) == UNEXPLAINED


def test_a_place_in_a_list_may_be_told_at_another_element() -> None:
    told = fault(
        WRONG_PATH,
        place=f"{PORT}/name",
        paths=("/spec/template/spec/containers/1",),
        is_of_git=True,
    )
    assert "another element" in reason(told)
    elsewhere = fault(WRONG_PATH, place=f"{PORT}/name", paths=("/spec/a",), is_of_git=True)
    assert reason(elsewhere) == UNEXPLAINED


def test_false_alarms_of_who_asks_the_api_server_are_not_its_defaults() -> None:
    filled = ("/spec/clusterIP",)
    assert "not asked" in reason(fault(FALSE_ALARM, who="argo", paths=filled))
    assert reason(fault(FALSE_ALARM, who="flux", paths=filled)) == UNEXPLAINED


def test_false_alarms_about_what_controllers_write() -> None:
    rules = fault(FALSE_ALARM, kind="rbac.authorization.k8s.io/v1 ClusterRole", paths=("/rules",))
    assert "controller" in reason(rules)
    generation = fault(FALSE_ALARM, paths=("/metadata/generation",))
    assert "generation" in reason(generation)


def test_what_argo_cd_looks_away_from() -> None:
    hook = fault(MISSED, who="argo", place="/spec/backoffLimit", is_of_git=True, is_hook=True)
    assert "hook" in reason(hook)
    assert reason(replace(hook, who="flux")) == UNEXPLAINED
    place = "/metadata/annotations/argocd.argoproj.io~1tracking-id"
    assert "own annotation" in reason(fault(MISSED, who="argo", place=place, is_of_git=True))


def test_what_kubectls_merge_takes_for_the_same_port() -> None:
    gone = fault(MISSED, place=PORT, action="remove", is_of_git=True)
    assert "number" in reason(gone)
    assert reason(replace(gone, who="flux")) == UNEXPLAINED


def test_what_git_has_and_says_nothing() -> None:
    chosen = fault(MISSED, place="/spec/ports/0/nodePort", is_of_git=True, is_blank=True)
    assert "leaves the value" in reason(chosen)
    assert "null or empty" in reason(fault(FALSE_ALARM, paths=("/data/a",), is_blank=True))


def test_what_helm_writes_over() -> None:
    label = ("/metadata/labels/app.kubernetes.io~1managed-by",)
    assert "Helm" in reason(fault(FALSE_ALARM, paths=label, way="helm-client"))
    assert reason(fault(FALSE_ALARM, paths=label)) == UNEXPLAINED
