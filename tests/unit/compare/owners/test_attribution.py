"""Who made a difference in what Git specifies."""

from __future__ import annotations

from typing import Any

from leadsman.compare.judge import judge
from leadsman.model.finding import ABSENT, Cause, Op, State
from unit.compare.samples import (
    deployment,
    desired,
    entry,
    gvk_of,
    owned,
    policy,
    schema_of,
    served,
    verdict,
    widget,
)

_SCALE: Any = {"f:spec": {"f:replicas": {}}}
_HISTORY: Any = {"f:spec": {"f:revisionHistoryLimit": {}}}


def test_a_removed_field_has_nobody_to_name() -> None:
    live = owned(widget({}), entry("kubectl-edit", {"f:spec": {}}))
    finding = verdict(widget({"size": 2}), live)
    assert finding is not None
    (change,) = finding.changes
    assert (change.op, change.live, change.manager, change.time) == (Op.REMOVE, ABSENT, "", "")


def test_who_owns_an_atomic_list_took_its_element() -> None:
    git = widget({"rules": [{"name": "a"}, {"name": "b"}]})
    live = owned(widget({"rules": [{"name": "a"}]}), entry("k9s", {"f:spec": {"f:rules": {}}}))
    finding = verdict(git, live)
    assert finding is not None
    (change,) = finding.changes
    assert (change.path, change.op, change.manager) == ("/spec/rules/1", Op.REMOVE, "k9s")


def test_more_in_an_atomic_list_is_a_modification() -> None:
    git, live = (
        widget({"rules": [{"name": "a"}]}),
        widget({"rules": [{"name": "a"}, {"name": "b"}]}),
    )
    fields: Any = {"f:spec": {"f:rules": {}}}
    for manager in ("k9s", "kustomize-controller"):
        finding = verdict(git, owned(live, entry(manager, fields)), report_added=False)
        assert finding is not None
        assert finding.state is State.MODIFIED
        assert [(c.op, c.manager) for c in finding.changes] == [(Op.ADD, manager)]


def test_an_element_that_git_has_dropped_from_what_delivery_applied_is_left_behind() -> None:
    git, live = (
        widget({"rules": [{"name": "a"}]}),
        widget({"rules": [{"name": "a"}, {"name": "b"}]}),
    )
    fields: Any = {"f:spec": {"f:rules": {}}}
    sender = entry("kustomize-controller", fields, "Apply")
    for entries, cause in (
        ([sender], Cause.LEFT_BEHIND),
        ([entry("k9s", fields, "Apply")], Cause.LIVE),
        # Who owns it beside delivery has sent the same, and so has delivery.
        ([sender, entry("k9s", fields, "Apply")], Cause.LEFT_BEHIND),
    ):
        finding = verdict(git, owned(live, *entries))
        assert finding is not None
        assert finding.state is State.MODIFIED
        assert [(c.path, c.cause) for c in finding.changes] == [("/spec/rules/1", cause)]


def test_a_doubled_key_is_owned_as_a_whole() -> None:
    git, live = deployment(), served(deployment())
    pod = git["spec"]["template"]["spec"]
    pod["containers"][0]["env"] = [{"name": "A", "value": "1"}, {"name": "A", "value": "2"}]
    container = live["spec"]["template"]["spec"]["containers"][0]
    container["env"] = [{"name": "A", "value": "1"}, {"name": "A", "value": "3"}]
    fields: Any = {"f:env": {'k:{"name":"A"}': {}}}
    for step in ('k:{"name":"web"}', "f:containers", "f:spec", "f:template", "f:spec"):
        fields = {step: fields}
    live["metadata"]["managedFields"].append(entry("kubectl-edit", fields))
    finding = verdict(git, live)
    assert finding is not None
    assert [(c.path[-12:], c.manager) for c in finding.changes] == [
        ("/env/1/value", "kubectl-edit")
    ]


def test_a_client_that_patches_cannot_store_null() -> None:
    fields: Any = {"f:spec": {"f:label": {}}}
    git, live = widget({"label": None}), widget({"label": "red"})
    by_patch, by_apply = (
        owned(live, entry("kubectl-client-side-apply", fields, operation))
        for operation in ("Update", "Apply")
    )
    finding = verdict(git, by_patch)
    assert finding is not None
    assert (finding.state, [each.rule for each in finding.ignored]) == (
        State.IN_SYNC,
        ["a null in Git, which a patch cannot store"],
    )
    other = owned(widget({"label": "blue"}), entry("kubectl-client-side-apply", fields))
    by_nobody = owned(live, entry("kubectl-create", fields))
    for drifted in (by_apply, by_nobody, other):
        finding = verdict(git, drifted)
        assert finding is not None
        assert [change.path for change in finding.changes] == ["/spec/label"]


def test_nor_can_it_in_a_list() -> None:
    fields: Any = {"f:spec": {"f:values": {}}}
    git = widget({"values": {"list": [{"a": None, "b": 1}]}})
    live = widget({"values": {"list": [{"b": 1}]}})
    for operation, is_drift in (("Update", False), ("Apply", True)):
        sender = entry("kubectl-client-side-apply", fields, operation)
        finding = verdict(git, owned(live, sender))
        assert finding is not None
        assert bool(finding.changes) == is_drift


def test_one_managers_time_is_not_anothers() -> None:
    live = owned(
        widget({"size": 2}),
        entry("kubectl-edit", {"f:spec": {"f:size": {}}}, time="2026-01-01T00:00:00Z"),
        entry("kubectl-edit", {"f:status": {}}, subresource="status", time="2026-05-01T00:00:00Z"),
    )
    finding = verdict(widget({"size": 1}), live)
    assert finding is not None
    assert [change.time for change in finding.changes] == ["2026-01-01T00:00:00Z"]


def test_replicas_that_the_autoscaler_set_are_no_drift_and_it_is_said_why() -> None:
    live = served(deployment())
    live["spec"]["replicas"] = 7
    scaled = entry("kube-controller-manager", _SCALE, subresource="scale")
    live["metadata"]["managedFields"][0] = scaled
    finding = verdict(deployment(), live)
    assert finding is not None
    assert finding.state is State.IN_SYNC
    (ignored,) = finding.ignored
    assert ignored.path == "/spec/replicas"
    assert ignored.rule == "known manager kube-controller-manager through scale"


def test_replicas_that_nobody_is_noted_for_are_an_autoscalers_if_there_is_one() -> None:
    git = deployment()
    live = served(git)
    live["spec"]["replicas"] = 7
    live["metadata"]["managedFields"][0] = entry("kubectl", _HISTORY, "Apply")
    schema = schema_of(gvk_of(git))
    for wanted in (git, deployment(replicas=None)):
        told = judge(desired(wanted), live, schema, policy())
        assert told is not None
        assert [(one.path, one.manager) for one in told.changes] == [("/spec/replicas", "")]
        by = "HorizontalPodAutoscaler web"
        told = judge(desired(wanted), live, schema, policy(), scaler=by)
        assert told is not None
        assert [(one.path, one.rule) for one in told.ignored] == [("/spec/replicas", by)]
        assert told.changes == ()
    # What somebody is noted for is his.
    live["metadata"]["managedFields"][0] = entry("kubectl", _SCALE, subresource="scale")
    told = judge(desired(git), live, schema, policy(), scaler="HorizontalPodAutoscaler web")
    assert told is not None
    assert [one.manager for one in told.changes] == ["kubectl"]


def test_replicas_that_a_person_set_are() -> None:
    live = served(deployment())
    live["spec"]["replicas"] = 7
    live["metadata"]["managedFields"][0] = entry("kubectl", _SCALE, subresource="scale", time="")
    finding = verdict(deployment(), live)
    assert finding is not None
    assert finding.state is State.MODIFIED
    (change,) = finding.changes
    assert (change.manager, change.subresource, change.time) == ("kubectl", "scale", "")
