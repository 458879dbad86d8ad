"""The verdict where the API server has said what it makes of Git's object."""

from __future__ import annotations

from copy import deepcopy
from typing import TYPE_CHECKING, Any

import pytest

from leadsman.compare.owners.ownership import Ownership
from leadsman.model.finding import ABSENT, Cause, Op, State
from unit.compare.samples import answered, deployment, entry, owned, policy, served, verdict, widget

if TYPE_CHECKING:
    from leadsman.model.json import JsonObject

FLUX = "kustomize-controller"


def sidecar(obj: JsonObject, name: str = "proxy") -> JsonObject:
    """Add a container, as injectors do."""
    changed = deepcopy(obj)
    containers = changed["spec"]["template"]["spec"]["containers"]
    containers.append({**containers[0], "name": name, "image": f"{name}:1"})
    return changed


def container_fields(name: str) -> Any:
    fields: Any = {f'k:{{"name":"{name}"}}': {".": {}, "f:name": {}, "f:image": {}}}
    return {"f:spec": {"f:template": {"f:spec": {"f:containers": fields}}}}


def with_entry(obj: JsonObject, *entries: JsonObject) -> JsonObject:
    return owned(obj, *obj["metadata"]["managedFields"], *entries)


def test_a_value_that_the_api_server_makes_of_gits_is_admissions() -> None:
    live = served(deployment())
    live["spec"]["replicas"] = 3
    local = verdict(deployment(), live)
    assert local is not None
    assert local.state is State.MODIFIED
    finding = answered(deployment(), live, live, FLUX)
    assert finding is not None
    assert (finding.state, finding.changes) == (State.IN_SYNC, ())
    (change,) = finding.excused
    assert (change.path, change.desired, change.live) == ("/spec/replicas", 2, 3)
    assert change.cause is Cause.ADMISSION


def test_a_value_that_delivery_would_change_is_drift_with_gits_value() -> None:
    live = served(deployment())
    live["spec"]["replicas"] = 5
    merged = deepcopy(live)
    merged["spec"]["replicas"] = 3  # a policy's least, of which Git says less
    finding = answered(deployment(), live, merged, FLUX)
    assert finding is not None
    (change,) = finding.changes
    assert (change.path, change.desired, change.live) == ("/spec/replicas", 2, 5)
    assert (change.cause, finding.excused) == (Cause.LIVE, ())


def test_what_was_taken_for_equal_and_would_be_changed_is_drift() -> None:
    git = widget({"limits": {"cpu": "1"}, "size": 3})
    live = widget({"limits": {"cpu": "1"}})  # as if an older definition had had no default
    merged = widget({"limits": {"cpu": "1"}, "size": 3})
    merged_with_default = deepcopy(merged)
    finding = answered(git, live, merged_with_default)
    assert finding is not None
    (change,) = finding.changes
    assert (change.op, change.path, change.desired) == (Op.REMOVE, "/spec/size", 3)


def test_what_admission_would_change_of_what_live_has_as_git_says_is_none() -> None:
    git = deployment()
    live = served(git)
    merged = deepcopy(live)
    merged["spec"]["replicas"] = 9
    merged["spec"]["template"]["spec"]["containers"][0]["image"] = "nginx@sha256:1"
    assert answered(git, live, merged, FLUX) is None


def test_what_git_does_not_say_and_admission_stamps_is_none() -> None:
    git, live = deployment(), served(deployment())
    merged = sidecar(live)
    merged["metadata"]["annotations"]["stamped-at"] = "12:00"
    merged["spec"]["template"]["metadata"]["annotations"] = {"stamped-at": "12:00"}
    assert answered(git, live, merged, FLUX) is None
    # Nor where Git names the map and leaves it empty.
    git["spec"]["template"]["metadata"]["annotations"] = {}
    assert answered(git, live, merged, FLUX) is None


def test_what_moves_by_itself_is_none() -> None:
    git, live = deployment(), served(deployment())
    merged = deepcopy(live)
    merged["status"] = {"replicas": 7}
    merged["metadata"] |= {"generation": 9, "resourceVersion": "9", "uid": "x"}
    merged["metadata"]["creationTimestamp"] = None
    assert answered(git, live, merged, FLUX) is None


def test_what_a_person_added_stays_added() -> None:
    live = with_entry(
        sidecar(served(deployment())), entry("kubectl-edit", container_fields("proxy"))
    )
    finding = answered(deployment(), live, live, FLUX)
    assert finding is not None
    assert finding.state is State.ADDED
    (change,) = finding.changes
    assert (change.manager, change.cause) == ("kubectl-edit", Cause.LIVE)
    assert answered(deployment(), live, live, FLUX, report_added=False) is not None
    finding = answered(deployment(), live, live, FLUX, report_added=False)
    assert finding is not None
    assert finding.state is State.IN_SYNC
    assert [ignored.rule for ignored in finding.ignored] == ["compare.added: Ignore"]


def test_what_delivery_would_remove_is_left_behind() -> None:
    live = with_entry(
        sidecar(served(deployment())), entry("my-delivery", container_fields("proxy"), "Apply")
    )
    finding = answered(deployment(), live, served(deployment()), "my-delivery")
    assert finding is not None
    (change,) = finding.changes
    assert change.path == "/spec/template/spec/containers/1"
    assert (change.op, change.desired) == (Op.ADD, ABSENT)
    assert (change.cause, change.manager) == (Cause.LEFT_BEHIND, "my-delivery")


def test_what_delivery_marks_its_objects_with_is_not_left_behind() -> None:
    live = served(deployment())
    marks = {"app.kubernetes.io/managed-by": "Helm"}
    live["metadata"]["labels"] = {**live["metadata"]["labels"], **marks}
    labels: Any = {f"f:{name}": {} for name in marks}
    live = with_entry(live, entry("helm", {"f:metadata": {"f:labels": labels}}, "Apply"))
    assert answered(deployment(), live, served(deployment()), "helm") is None
    # Nor where they are all that there is.
    git = deployment()
    del git["metadata"]["labels"]
    merged = served(git)
    live["metadata"]["labels"] = marks
    assert answered(git, live, merged, "helm") is None


def test_what_looked_left_behind_and_stays_is_admissions_or_another_owners() -> None:
    live = with_entry(
        sidecar(served(deployment())), entry(FLUX, container_fields("proxy"), "Apply")
    )
    local = verdict(deployment(), live)
    assert local is not None
    assert [change.cause for change in local.changes] == [Cause.LEFT_BEHIND]
    finding = answered(deployment(), live, live, FLUX)
    assert finding is not None
    assert (finding.state, finding.changes) == (State.IN_SYNC, ())
    assert [change.cause for change in finding.excused] == [Cause.ADMISSION]

    # Others keep it: a person, another tool, the tool itself by an update.
    for manager in ("kubectl-edit", "helm", FLUX):
        shared = with_entry(live, entry(manager, container_fields("proxy")))
        finding = answered(deployment(), shared, shared, FLUX)
        assert finding is not None
        (change,) = finding.changes
        assert (change.cause, change.manager) == (Cause.LEFT_BEHIND, FLUX)


def test_what_the_api_server_keeps_of_itself_is_left_behind_all_the_same() -> None:
    git, live = deployment(), served(deployment())
    live["spec"]["template"]["spec"]["serviceAccountName"] = "strong"
    fields: Any = {"f:spec": {"f:template": {"f:spec": {"f:serviceAccountName": {}}}}}
    live = with_entry(live, entry(FLUX, fields, "Apply"))
    merged = {**live, "metadata": {**live["metadata"], "managedFields": []}}
    finding = answered(git, live, merged, FLUX)
    assert finding is not None
    (change,) = finding.changes
    assert (change.cause, change.manager) == (Cause.LEFT_BEHIND, FLUX)


def test_admissions_element_of_a_list_is_not_a_persons_who_changed_another() -> None:
    git = widget({"rules": [{"name": "a"}, {"name": "b"}]})
    live = widget({"rules": [{"name": "x"}, {"name": "b"}, {"name": "injected"}]})
    merged = widget({"rules": [{"name": "a"}, {"name": "b"}, {"name": "injected"}]})
    owner = entry(FLUX, {"f:spec": {"f:rules": {}}}, "Apply")
    person = entry("kubectl-patch", {"f:spec": {"f:rules": {}}})
    finding = answered(git, owned(live, person), owned(merged, owner), FLUX)
    assert finding is not None
    assert [change.path for change in finding.changes] == ["/spec/rules/0/name"]
    assert [change.path for change in finding.excused] == ["/spec/rules/2"]


def test_rules_and_known_controllers_count_before_the_answer() -> None:
    live = served(deployment())
    live["spec"]["replicas"] = 5
    scaled = with_entry(
        live,
        entry(
            "kube-controller-manager", {"f:spec": {"f:replicas": {}}}, subresource="scale", time="3"
        ),
    )
    merged = deepcopy(scaled)
    merged["spec"]["replicas"] = 2
    for answer in (merged, scaled):
        finding = answered(deployment(), scaled, answer, FLUX)
        assert finding is not None
        assert (finding.state, finding.excused) == (State.IN_SYNC, ())
        assert [ignored.path for ignored in finding.ignored] == ["/spec/replicas"]


def test_an_element_is_found_again_whatever_comes_before_it() -> None:
    git = deployment()
    live = served(git)
    live["spec"]["template"]["spec"]["containers"][0]["image"] = "evil:1"
    merged = deepcopy(live)
    containers = merged["spec"]["template"]["spec"]["containers"]
    containers[0]["image"] = "nginx:1.25"
    containers.insert(0, {**containers[0], "name": "first"})
    finding = answered(git, live, merged, FLUX)
    assert finding is not None
    (change,) = finding.changes
    assert change.field == '.spec.template.spec.containers[name="web"].image'
    assert (change.desired, change.live) == ("nginx:1.25", "evil:1")


def test_what_a_person_set_in_place_of_a_default_is_none_of_admissions() -> None:
    git = autoscaler({"scaleDown": {"stabilizationWindowSeconds": 60}})
    live = autoscaler(
        {
            "scaleDown": {
                "stabilizationWindowSeconds": 60,
                "selectPolicy": "Max",
                "policies": [{"type": "Percent", "value": 100, "periodSeconds": 60}],
            }
        }
    )
    local = verdict(git, live)
    assert local is not None
    assert local.changes
    finding = answered(git, live, live, FLUX)
    assert finding is not None
    assert finding.changes == local.changes


def autoscaler(behavior: JsonObject) -> JsonObject:
    target = {"apiVersion": "apps/v1", "kind": "Deployment", "name": "web"}
    return {
        "apiVersion": "autoscaling/v2",
        "kind": "HorizontalPodAutoscaler",
        "metadata": {"name": "web", "namespace": "shop"},
        "spec": {"scaleTargetRef": target, "maxReplicas": 3, "behavior": behavior},
    }


def test_an_atomic_list_that_admission_completes_is_none() -> None:
    toleration = {"key": "a", "operator": "Exists"}
    git = deployment({"tolerations": [toleration]})
    live = served(git)
    live["spec"]["template"]["spec"]["tolerations"] = [toleration, {"operator": "Exists"}]
    finding = answered(git, live, live, FLUX)
    assert finding is not None
    assert finding.state is State.IN_SYNC
    assert [change.cause for change in finding.excused] == [Cause.ADMISSION]
    finding = answered(git, live, served(git), FLUX)
    assert finding is not None
    assert finding.state is State.MODIFIED


@pytest.mark.parametrize(
    ("entries", "named", "expected"),
    [
        ([], "", ""),
        ([entry("kubectl-edit", {"f:a": {}})], "", ""),
        ([entry("kubectl", {"f:a": {}})], "", ""),
        ([entry("kubectl", {"f:a": {}}, "Apply")], "", "kubectl"),
        ([entry("helm", {"f:a": {}}), entry(FLUX, {"f:a": {}, "f:b": {}})], "", FLUX),
        ([entry("helm", {"f:a": {}}, "Apply"), entry(FLUX, {"f:a": {}, "f:b": {}})], "", "helm"),
        ([entry(FLUX, {"f:a": {}}, "Apply", subresource="status")], "", ""),
        ([entry(FLUX, {"f:a": {}}, "Apply")], "team", "team"),
        ([entry(FLUX, {"f:a": "no tree"}, "Apply")], "", FLUX),
    ],
)
def test_who_delivers(entries: list[JsonObject], named: str, expected: str) -> None:
    live = owned(deployment(), *entries)
    trust = policy(manager=named).trust
    assert trust.deliverer(Ownership(live).entries) == expected


def test_what_the_named_manager_applied_and_git_has_dropped_is_left_behind() -> None:
    live = with_entry(
        sidecar(served(deployment())), entry("team", container_fields("proxy"), "Apply")
    )
    found = {name: verdict(deployment(), live, manager=name) for name in ("", "team")}
    causes = {name: [c.cause for c in item.changes] for name, item in found.items() if item}
    assert causes == {"": [Cause.LIVE], "team": [Cause.LEFT_BEHIND]}
