"""What delivery sent by updates, which own defaults as well, and Git has dropped."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from leadsman.compare.dryrun import Answer
from leadsman.compare.judge import judge
from leadsman.compare.owners.evidence import Evidence
from leadsman.model.finding import Cause
from unit.compare.samples import TIME, deployment, desired, entry, gvk_of, owned, policy, schema_of

if TYPE_CHECKING:
    from leadsman.model.finding import Finding
    from leadsman.model.json import JsonObject

HELM = frozenset({"helm", "helm-controller"})
EARLIER, LATER = "2020-01-01T00:00:00Z", "2030-01-01T00:00:00Z"
NETWORK = "/spec/template/spec/hostNetwork"


def sent(document: JsonObject, begun: str = TIME, ended: str = TIME, **more: Any) -> Evidence:
    return Evidence("Helm", HELM, document, begun, ended, **more)


def pod_fields(*names: str) -> JsonObject:
    below: JsonObject = {f"f:{name}": {} for name in names}
    return {"f:spec": {"f:template": {"f:spec": below}}}


GIT, WHOLE = deployment(), deployment({"hostNetwork": True})
FIELDS = pod_fields("hostNetwork")
LIVE = owned(WHOLE, entry("helm", FIELDS))


def judged(
    live: JsonObject, *evidence: Evidence, git: JsonObject = GIT, **said: Any
) -> tuple[Finding | None, set[str]]:
    untold: set[str] = set()
    schema = schema_of(gvk_of(git))
    found = judge(desired(git), live, schema, policy(**said), evidence, untold=untold)
    merged = Answer(live, "helm")
    asked = judge(desired(git), live, schema, policy(**said), evidence, answer=merged)
    assert told(asked) == told(found)
    return found, untold


def told(finding: Finding | None) -> list[tuple[str, str, Cause]]:
    changes = () if finding is None else finding.changes
    return [(change.path, change.manager, change.cause) for change in changes]


@pytest.mark.parametrize("manager", sorted(HELM))
def test_what_was_sent_last_and_git_has_not_is_left_behind(manager: str) -> None:
    live = owned(WHOLE, entry(manager, FIELDS))
    finding, untold = judged(live, sent(WHOLE))
    assert (told(finding), untold) == ([(NETWORK, manager, Cause.LEFT_BEHIND)], set())


def test_without_evidence_it_may_have_come_with_the_object() -> None:
    assert judged(LIVE) == (None, {"helm"})
    other = Evidence("Argo CD", frozenset({"argocd-controller"}), WHOLE, TIME, TIME)
    assert judged(LIVE, other) == (None, {"helm"})


def test_what_was_not_sent_came_with_the_object() -> None:
    assert judged(LIVE, sent(GIT)) == (None, set())
    null = deployment({"hostNetwork": None})
    assert judged(LIVE, sent(null)) == (None, set())


def test_nothing_is_to_be_told_of_defaults_and_of_deliverys_own_marks() -> None:
    pod = {"dnsPolicy": "ClusterFirst", "restartPolicy": "Always", "hostNetwork": False}
    live = deployment(pod)
    label = "app.kubernetes.io/managed-by"
    live["metadata"]["labels"][label] = "Helm"
    fields = pod_fields(*pod) | {"f:metadata": {"f:labels": {f"f:{label}": {}}}}
    assert judged(owned(live, entry("helm", fields))) == (None, set())


@pytest.mark.parametrize(
    "owner",
    [
        entry("kube-controller-manager", FIELDS),
        entry("helm", pod_fields("dnsPolicy")),
        entry("helm", FIELDS, subresource="status"),
    ],
)
def test_what_helm_does_not_own_is_not_what_it_sent(owner: JsonObject) -> None:
    live = deployment({"hostNetwork": True, "dnsPolicy": "ClusterFirst"})
    assert judged(owned(live, owner), sent(WHOLE)) == (None, set())


def test_what_a_person_owns_is_that_persons() -> None:
    live = owned(WHOLE, entry("kubectl-edit", FIELDS))
    assert told(judged(live, sent(WHOLE))[0]) == [(NETWORK, "kubectl-edit", Cause.LIVE)]


def test_who_is_trusted_by_name_may_leave_what_it_likes() -> None:
    assert judged(LIVE, sent(WHOLE), trusted=("helm",)) == (None, set())


def test_after_another_write_more_is_to_be_asked() -> None:
    finding, untold = judged(LIVE, sent(WHOLE, EARLIER, EARLIER))
    assert (told(finding), untold) == ([(NETWORK, "helm", Cause.LEFT_BEHIND)], {"helm"})
    assert judged(LIVE, sent(GIT, EARLIER, EARLIER)) == (None, {"helm"})


def test_an_earlier_manifest_counts_where_it_was_written_last() -> None:
    last = sent(GIT, LATER, LATER)
    finding, untold = judged(LIVE, last, sent(WHOLE))
    assert (told(finding), untold) == ([(NETWORK, "helm", Cause.LEFT_BEHIND)], set())
    assert judged(LIVE, last, sent(WHOLE, EARLIER, EARLIER)) == (None, set())


def test_a_manifest_in_another_version_tells_nothing() -> None:
    assert judged(LIVE, sent({**WHOLE, "apiVersion": "apps/v1beta1"})) == (None, set())


def test_a_secrets_key_is_found_where_it_was_sent_as_text() -> None:
    git: JsonObject = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "web"}}
    live = owned({**git, "data": {"a": "eA=="}}, entry("helm", {"f:data": {".": {}, "f:a": {}}}))
    finding, _ = judged(live, sent({**git, "stringData": {"a": "x"}}), git=git)
    assert told(finding) == [("/data/a", "helm", Cause.LEFT_BEHIND)]
