"""Live fields that Git does not specify: whose they are, and as how many changes they are told."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import orjson
import pytest

from leadsman.compare.rewrites.normalize import LAST_APPLIED
from leadsman.model.finding import ABSENT, Cause, Op, State
from unit.compare.samples import (
    DELIVERED,
    TIME,
    answered,
    deployment,
    entry,
    owned,
    served,
    verdict,
    widget,
)

if TYPE_CHECKING:
    from leadsman.model.finding import Finding
    from leadsman.model.json import JsonObject

_POD = ["f:spec", "f:template", "f:spec"]
_WEB = 'k:{"name":"web"}'


def at(path: list[str], fields: JsonObject) -> JsonObject:
    """Return the FieldsV1 tree that has fields at a path."""
    for step in reversed(path):
        fields = {step: fields}
    return fields


def judged(git: JsonObject, live: JsonObject, *entries: JsonObject, **said: Any) -> Finding | None:
    """Judge with more entries than the live object has of itself."""
    fields = [*live["metadata"].get("managedFields", ()), *entries]
    return verdict(git, owned(live, *fields), **said)


def untouched(live: JsonObject) -> JsonObject:
    """Return a live object without its tool of delivery, as if it were in kubectl's hands."""
    fields = live["metadata"]["managedFields"]
    return owned(live, *(each for each in fields if each["manager"] != "kustomize-controller"))


def told(finding: Finding | None) -> list[tuple[str, str, Cause]]:
    assert finding is not None
    return [(change.path, change.manager, change.cause) for change in finding.changes]


def container_with(**more: Any) -> JsonObject:
    live = served(deployment())
    live["spec"]["template"]["spec"]["containers"][0].update(more)
    return live


_ENV = {"name": "A", "value": "1"}
_ENV_PATH = "/spec/template/spec/containers/0/env/0"


def env_fields(*names: str) -> JsonObject:
    items: JsonObject = {
        f'k:{{"name":"{name}"}}': {".": {}, "f:name": {}, "f:value": {}} for name in names
    }
    return at([*_POD, "f:containers", _WEB, "f:env"], items)


def test_a_variable_that_a_person_added_is_one_change() -> None:
    finding = judged(
        deployment(), container_with(env=[_ENV]), entry("kubectl-edit", env_fields("A"))
    )
    assert finding is not None
    assert finding.state is State.ADDED
    (change,) = finding.changes
    assert (change.op, change.path, change.desired, change.live) == (
        Op.ADD,
        _ENV_PATH,
        ABSENT,
        _ENV,
    )
    assert change.field == '.spec.template.spec.containers[name="web"].env[name="A"]'
    assert (change.manager, change.operation, change.time) == ("kubectl-edit", "Update", TIME)


def test_what_nobody_owns_is_the_api_servers() -> None:
    assert judged(deployment(), container_with(env=[_ENV])) is None


def test_two_variables_are_two_changes_of_two_people() -> None:
    live = container_with(env=[_ENV, {"name": "B", "value": "2"}])
    finding = judged(
        deployment(), live, entry("kubectl-edit", env_fields("A")), entry("k9s", env_fields("B"))
    )
    assert told(finding) == [
        (_ENV_PATH, "kubectl-edit", Cause.LIVE),
        ("/spec/template/spec/containers/0/env/1", "k9s", Cause.LIVE),
    ]


def test_what_delivery_applied_and_git_dropped_is_left_behind() -> None:
    finding = judged(
        deployment(),
        container_with(env=[_ENV]),
        entry("kustomize-controller", env_fields("A"), "Apply"),
        entry("kubectl-edit", env_fields("A")),
    )
    assert told(finding) == [(_ENV_PATH, "kustomize-controller", Cause.LEFT_BEHIND)]
    assert finding is not None
    assert finding.state is State.ADDED


def test_left_behind_counts_where_additions_do_not() -> None:
    live = container_with(env=[_ENV, {"name": "B"}])
    finding = judged(
        deployment(),
        live,
        entry("helm", env_fields("A"), "Apply"),
        entry("kubectl-edit", env_fields("B")),
        report_added=False,
    )
    assert told(finding) == [(_ENV_PATH, "helm", Cause.LEFT_BEHIND)]
    assert finding is not None
    (ignored,) = finding.ignored
    assert (ignored.path, ignored.rule) == (
        "/spec/template/spec/containers/0/env/1",
        "compare.added: Ignore",
    )


def test_a_client_side_applied_field_is_left_behind_on_kubectls_evidence() -> None:
    git, live = deployment(), untouched(container_with(tty=True))
    manager = entry("kubectl-client-side-apply", at([*_POD, "f:containers", _WEB], {"f:tty": {}}))
    # Without evidence it may have come with the object, as the API server's own default.
    assert judged(git, live, manager) is None
    applied = {"spec": {"template": {"spec": {"containers": [{"name": "web", "tty": True}]}}}}
    live["metadata"]["annotations"]["kubectl.kubernetes.io/last-applied-configuration"] = (
        orjson.dumps(applied).decode()
    )
    path = "/spec/template/spec/containers/0/tty"
    finding = judged(git, live, manager)
    assert told(finding) == [(path, "kubectl-client-side-apply", Cause.LEFT_BEHIND)]


def test_where_a_tool_delivers_kubectl_is_in_a_persons_hands() -> None:
    git, live = deployment(), container_with(env=[_ENV])
    fields = env_fields("A")
    for manager, operation in (("kubectl", "Apply"), ("kubectl-client-side-apply", "Update")):
        by = entry(manager, fields, operation)
        assert told(judged(git, live, by)) == [(_ENV_PATH, manager, Cause.LIVE)]
        assert told(judged(git, untouched(live), by)) == [(_ENV_PATH, manager, Cause.LEFT_BEHIND)]
        # The tool has it as well.
        both = entry("helm", fields, "Apply"), by
        assert told(judged(git, live, *both)) == [(_ENV_PATH, "helm", Cause.LEFT_BEHIND)]
    # Who asks Flux to look once more delivers nothing.
    asked = entry("flux", at(["f:metadata", "f:annotations"], {"f:x": {}}))
    by = entry("kubectl", fields, "Apply")
    assert told(judged(git, untouched(live), asked, by)) == [
        (_ENV_PATH, "kubectl", Cause.LEFT_BEHIND)
    ]


def test_keys_and_elements_that_delivery_owns_were_sent() -> None:
    git, live = deployment(), untouched(container_with(env=[_ENV]))
    live["metadata"]["labels"] = {**live["metadata"]["labels"], "old": "yes"}
    labels: JsonObject = {"f:metadata": {"f:labels": {"f:old": {}}}}
    for manager in ("argocd-controller", "helm", "kubectl-client-side-apply"):
        fields = {**env_fields("A"), **labels}
        assert told(judged(git, live, entry(manager, fields))) == [
            ("/metadata/labels/old", manager, Cause.LEFT_BEHIND),
            (_ENV_PATH, manager, Cause.LEFT_BEHIND),
        ]
    # Nobody's are admission's.
    assert judged(git, live, entry("helm", {"f:spec": {"f:replicas": {}}})) is None


def test_the_name_of_an_account_outlives_its_owner() -> None:
    account = {"serviceAccountName": "root", "serviceAccount": "root"}
    live = served(deployment(account))
    path = "/spec/template/spec/serviceAccountName"
    nobody = entry("kubectl", {"f:spec": {"f:replicas": {}}}, "Apply")
    assert told(judged(deployment(), live, nobody)) == [(path, "", Cause.LEFT_BEHIND)]
    update = entry("helm", at(_POD, {"f:serviceAccountName": {}, "f:serviceAccount": {}}))
    assert told(judged(deployment(), live, update)) == [(path, "helm", Cause.LEFT_BEHIND)]
    usual = served(deployment({"serviceAccountName": "default", "serviceAccount": "default"}))
    assert judged(deployment(), usual, nobody) is None


def test_what_was_sent_as_a_secrets_string_outlives_its_owner() -> None:
    git: JsonObject = {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": "web", "namespace": "shop"},
        "stringData": {"a": "b"},
    }
    live = {**git, "stringData": None, "data": {"a": "Yg==", "gone": "Yw=="}}
    sender = entry("kubectl", {"f:stringData": {"f:a": {}}}, "Apply")
    assert told(verdict(git, owned(live, sender))) == [("/data/gone", "", Cause.LEFT_BEHIND)]


def test_what_somebody_puts_where_a_secrets_string_is_null() -> None:
    git: JsonObject = {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": "web", "namespace": "shop"},
        "stringData": {"a": None},
    }
    live = {**git, "stringData": None, "data": {"a": "Yg=="}}
    sender = entry("helm", {"f:stringData": {"f:a": {}}}, "Apply")
    person = entry("k9s", {"f:data": {"f:a": {}}}, "Apply")
    assert told(verdict(git, owned(live, sender, person))) == [("/data/a", "k9s", Cause.LIVE)]
    # Git had a value there, and delivery has not sent the null yet.
    assert told(verdict(git, owned(live, sender))) == [("/data/a", "helm", Cause.LEFT_BEHIND)]


def test_labels_and_annotations_are_told_one_by_one() -> None:
    live = owned(widget({}, labels={"a": "1", "b": "2"}, annotations={"c/d": "3"}), DELIVERED)
    fields: JsonObject = {
        "f:metadata": {
            "f:labels": {".": {}, "f:a": {}, "f:b": {}},
            "f:annotations": {".": {}, "f:c/d": {}},
        }
    }
    finding = judged(widget({}), live, entry("kubectl-label", fields))
    assert [path for path, _, _ in told(finding)] == [
        "/metadata/annotations/c~1d",
        "/metadata/labels/a",
        "/metadata/labels/b",
    ]


def test_an_added_container_is_one_change_with_what_was_defaulted_in_it() -> None:
    git, live = deployment(), served(deployment())
    side = {"name": "side", "image": "b", "imagePullPolicy": "Always", "resources": {}}
    live["spec"]["template"]["spec"]["containers"].insert(0, side)
    fields = at(
        [*_POD, "f:containers", 'k:{"name":"side"}'], {".": {}, "f:image": {}, "f:name": {}}
    )
    finding = judged(git, live, entry("kubectl-patch", fields))
    assert finding is not None
    (change,) = finding.changes
    assert (change.path, change.live) == ("/spec/template/spec/containers/0", side)


def test_a_default_is_no_addition_whoever_sent_it() -> None:
    fields = at(_POD, {"f:dnsPolicy": {}, "f:restartPolicy": {}, "f:securityContext": {}})
    live = served(deployment())
    assert judged(deployment(), live, entry("kubectl-create", fields)) is None
    live["spec"]["template"]["spec"]["restartPolicy"] = "Never"
    assert told(judged(deployment(), live, entry("kubectl-create", fields))) == [
        ("/spec/template/spec/restartPolicy", "kubectl-create", Cause.LIVE)
    ]


def test_a_struct_that_is_always_there_is_taken_apart() -> None:
    limits = {"cpu": "1", "memory": "1Gi"}
    live = container_with(resources={"limits": limits})
    fields = at(
        [*_POD, "f:containers", _WEB, "f:resources"],
        {"f:limits": {".": {}, "f:cpu": {}, "f:memory": {}}},
    )
    path = "/spec/template/spec/containers/0/resources/limits"
    assert told(judged(deployment(), live, entry("kubectl-set", fields))) == [
        (f"{path}/cpu", "kubectl-set", Cause.LIVE),
        (f"{path}/memory", "kubectl-set", Cause.LIVE),
    ]


def test_only_the_part_of_a_default_that_was_changed_is_told() -> None:
    live = served(deployment())
    live["spec"]["strategy"]["rollingUpdate"]["maxSurge"] = "50%"
    fields = at(["f:spec", "f:strategy", "f:rollingUpdate"], {"f:maxSurge": {}})
    assert told(judged(deployment(), live, entry("kubectl-edit", fields))) == [
        ("/spec/strategy/rollingUpdate/maxSurge", "kubectl-edit", Cause.LIVE)
    ]


def test_parts_with_owners_of_different_standing_are_told_apart() -> None:
    live = owned(widget({"values": {"a": {"b": 1, "c": 2, "d": 3}}}), DELIVERED)

    def fields(*names: str) -> JsonObject:
        return at(["f:spec", "f:values", "f:a"], {f"f:{name}": {} for name in names})

    finding = judged(
        widget({"values": {}}),
        live,
        entry("kustomize-controller", fields("b"), "Apply"),
        entry("kubectl-edit", fields("c")),
        entry("kube-controller-manager", fields("d")),
    )
    assert told(finding) == [
        ("/spec/values/a/b", "kustomize-controller", Cause.LEFT_BEHIND),
        ("/spec/values/a/c", "kubectl-edit", Cause.LIVE),
    ]


def test_the_author_of_a_whole_is_who_made_it_not_who_wrote_last() -> None:
    live = owned(widget({"parts": [{"name": "a", "count": 2}]}), DELIVERED)
    made = at(["f:spec", "f:parts", 'k:{"name":"a"}'], {".": {}, "f:name": {}})
    later = at(["f:spec", "f:parts", 'k:{"name":"a"}'], {"f:count": {}})
    finding = judged(
        widget({}),
        live,
        entry("kubectl-edit", made, time="2026-01-01T00:00:00Z"),
        entry("k9s", later, time="2026-02-01T00:00:00Z"),
    )
    assert told(finding) == [("/spec/parts/0", "kubectl-edit", Cause.LIVE)]


def test_elements_of_a_set() -> None:
    live = owned(widget({"tags": ["a", "b"]}, finalizers=["x/y"]), DELIVERED)
    fields: JsonObject = {
        "f:metadata": {"f:finalizers": {".": {}, 'v:"x/y"': {}}},
        "f:spec": {"f:tags": {'v:"b"': {}}},
    }
    assert told(judged(widget({"tags": ["a"]}), live, entry("an-operator", fields))) == [
        ("/spec/tags/1", "an-operator", Cause.LIVE)
    ]
    assert told(judged(widget({"tags": ["a"]}), live, entry("kubectl-edit", fields))) == [
        ("/metadata/finalizers/0", "kubectl-edit", Cause.LIVE),
        ("/spec/tags/1", "kubectl-edit", Cause.LIVE),
    ]


def test_an_atomic_list_is_one_change() -> None:
    live = served(deployment({"tolerations": [{"key": "a"}, {"key": "b"}]}))
    fields = at(_POD, {"f:tolerations": {}})
    finding = judged(deployment(), live, entry("kubectl-edit", fields))
    assert told(finding) == [("/spec/template/spec/tolerations", "kubectl-edit", Cause.LIVE)]
    # The same where Git has an empty list, which says no more than none.
    git = deployment({"tolerations": []})
    finding = judged(git, live, entry("kubectl-edit", fields))
    assert told(finding) == [("/spec/template/spec/tolerations", "kubectl-edit", Cause.LIVE)]


def test_a_value_that_is_the_api_servers_to_choose() -> None:
    def service(**spec: Any) -> JsonObject:
        metadata = {"name": "web", "namespace": "shop"}
        return {"apiVersion": "v1", "kind": "Service", "metadata": metadata, "spec": spec}

    git = service(clusterIP="", ports=[{"port": 80}])
    port = {"port": 80, "protocol": "TCP", "targetPort": 80, "nodePort": 30000}
    live = service(clusterIP="10.0.0.1", clusterIPs=["10.0.0.1"], ports=[port])
    # Delivery owns the address that it asked for with "".
    asked = entry("kubectl", {"f:spec": {"f:clusterIP": {}}}, "Apply")
    assert judged(git, live, asked) is None
    chosen: JsonObject = {
        "f:spec": {"f:ports": {'k:{"port":80,"protocol":"TCP"}': {"f:nodePort": {}}}}
    }
    assert told(judged(git, live, asked, entry("kubectl-edit", chosen))) == [
        ("/spec/ports/0/nodePort", "kubectl-edit", Cause.LIVE)
    ]


@pytest.mark.parametrize("value", [None, [], {}, False])
def test_in_what_takes_anything_nothing_and_empty_are_words(value: Any) -> None:
    live = owned(widget({"values": {"a": value}}), DELIVERED)
    by = entry("k9s", at(["f:spec", "f:values"], {"f:a": {}}))
    assert told(judged(widget({}), live, by)) == [("/spec/values/a", "k9s", Cause.LIVE)]
    assert told(judged(widget({"values": {}}), live, by)) == [("/spec/values/a", "k9s", Cause.LIVE)]


def test_who_made_a_place_is_asked_and_not_who_filled_it_in() -> None:
    def volume(**spec: Any) -> JsonObject:
        metadata = {"name": "disk"}
        return {
            "apiVersion": "v1",
            "kind": "PersistentVolume",
            "metadata": metadata,
            "spec": {"capacity": {"storage": "1Gi"}, **spec},
        }

    live = volume(claimRef={"name": "a", "namespace": "b", "uid": "1"})
    claim = ["f:spec", "f:claimRef"]
    binder = entry("kube-controller-manager", at(claim, {"f:uid": {}}), time="2027-01-01T00:00:00Z")
    by = entry("kubectl-patch", at(claim, {".": {}, "f:name": {}, "f:namespace": {}}))
    assert told(judged(volume(), live, by, binder)) == [
        ("/spec/claimRef", "kubectl-patch", Cause.LIVE)
    ]
    whole = entry("kube-controller-manager", at(claim, {".": {}, "f:name": {}, "f:uid": {}}))
    assert judged(volume(), live, whole) is None


def test_a_pod_is_filled_in_by_admission() -> None:
    git: JsonObject = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "web", "namespace": "shop"},
        "spec": {"containers": [{"name": "web", "image": "web:1"}]},
    }
    live = {**git, "spec": {**git["spec"], "nodeSelector": {"pool": "a"}}}
    fields = at(["f:spec", "f:nodeSelector"], {})
    assert judged(git, live, entry("kubectl-client-side-apply", fields)) is None
    assert told(judged(git, live, entry("kubectl-edit", fields))) == [
        ("/spec/nodeSelector", "kubectl-edit", Cause.LIVE)
    ]


def test_a_default_goes_before_the_defaults_of_what_is_in_it() -> None:
    live = owned(widget({"nested": {"inner": {"y": 7, "z": 1}}}), DELIVERED)
    by = entry("k9s", at(["f:spec", "f:nested", "f:inner"], {"f:y": {}}))
    assert told(judged(widget({}), live, by)) == [("/spec/nested/inner/y", "k9s", Cause.LIVE)]
    live = owned(widget({"nested": {"inner": {"y": 2, "z": 1}}}), DELIVERED)
    assert judged(widget({}), live, by) is None


@pytest.mark.parametrize("forgotten", ["ancient-changes", "before-first-apply"])
def test_what_is_usual_is_trusted_of_owners_that_are_forgotten(forgotten: str) -> None:
    live = owned(
        widget({}, annotations={"pv.kubernetes.io/x": "1", "note": "2"}, finalizers=["a/b"])
    )
    fields: JsonObject = {
        "f:metadata": {
            "f:annotations": {"f:pv.kubernetes.io/x": {}, "f:note": {}},
            "f:finalizers": {'v:"a/b"': {}},
        }
    }
    assert told(judged(widget({}), live, entry(forgotten, fields))) == [
        ("/metadata/annotations/note", forgotten, Cause.LIVE)
    ]


def test_without_managed_fields_an_addition_counts_though_nobody_can_be_named() -> None:
    live = served(deployment())
    live["spec"]["template"]["spec"]["containers"][0]["env"] = [_ENV]
    del live["metadata"]["managedFields"]
    finding = verdict(deployment(), live)
    assert told(finding) == [(_ENV_PATH, "", Cause.LIVE)]
    assert finding is not None
    assert finding.state is State.ADDED
    assert finding.reason == "OwnersUnknown"
    assert finding.message.startswith("who set 1 of the fields")


def test_without_managed_fields_defaults_and_what_is_usual_still_are_none() -> None:
    live = served(deployment())
    del live["metadata"]["managedFields"]
    assert verdict(deployment(), live) is None


def test_evidence_counts_without_managed_fields() -> None:
    live = container_with(env=[_ENV])
    del live["metadata"]["managedFields"]
    applied = {"spec": {"template": {"spec": {"containers": [{"name": "web", "env": [_ENV]}]}}}}
    live["metadata"]["annotations"]["kubectl.kubernetes.io/last-applied-configuration"] = (
        orjson.dumps(applied).decode()
    )
    assert told(verdict(deployment(), live)) == [(_ENV_PATH, "", Cause.LEFT_BEHIND)]


def test_a_kind_without_schema() -> None:
    git = {
        "apiVersion": "x.y/v1",
        "kind": "Odd",
        "metadata": {"name": "a"},
        "spec": {"a": {"b": 1}},
    }
    live = {**git, "spec": {"a": {"b": 1, "c": 2}, "d": [1]}}
    # Here nobody knows what is atomic: an owner of the whole may own its parts.
    fields: JsonObject = {"f:spec": {"f:a": {}, "f:d": {}}}
    finding = verdict(git, owned(live, entry("kubectl-edit", fields)), schemaless=True)
    assert told(finding) == [
        ("/spec/a/c", "kubectl-edit", Cause.LIVE),
        ("/spec/d", "kubectl-edit", Cause.LIVE),
    ]


def test_a_service_account_is_told_once() -> None:
    account = {"serviceAccountName": "root", "serviceAccount": "root"}
    fields = at(_POD, {"f:serviceAccountName": {}, "f:serviceAccount": {}})
    live = served(deployment(account))
    assert told(judged(deployment(), live, entry("kubectl-set", fields))) == [
        ("/spec/template/spec/serviceAccountName", "kubectl-set", Cause.LIVE)
    ]


def test_an_image_pulled_by_default_in_what_is_taken_apart() -> None:
    side = {"name": "side", "image": "a:latest", "imagePullPolicy": "Always", "tty": True}
    live = container_with()
    live["spec"]["template"]["spec"]["containers"].append(side)
    item = [*_POD, "f:containers", 'k:{"name":"side"}']
    finding = judged(
        deployment(),
        live,
        entry("kube-controller-manager", at(item, {".": {}, "f:image": {}, "f:name": {}})),
        entry("kubectl-edit", at(item, {"f:tty": {}, "f:imagePullPolicy": {}})),
    )
    assert told(finding) == [("/spec/template/spec/containers/1/tty", "kubectl-edit", Cause.LIVE)]


def test_a_label_that_only_another_tool_adds_is_left_behind() -> None:
    label = {"app.kubernetes.io/instance": "web"}
    git, live = deployment(), untouched(served(deployment()))
    live["metadata"]["labels"] = {**live["metadata"].get("labels", {}), **label}
    fields = at(["f:metadata", "f:labels"], {"f:app.kubernetes.io/instance": {}})
    path = "/metadata/labels/app.kubernetes.io~1instance"
    for manager in ("kubectl", "kustomize-controller"):
        finding = judged(git, live, entry(manager, fields, operation="Apply"))
        assert told(finding) == [(path, manager, Cause.LEFT_BEHIND)]
    # Argo CD writes it on everything.
    assert judged(git, live, entry("argocd-controller", fields, operation="Apply")) is None
    live["metadata"]["annotations"]["kubectl.kubernetes.io/last-applied-configuration"] = (
        orjson.dumps({"metadata": {"labels": label}}).decode()
    )
    finding = judged(git, live, entry("kubectl-client-side-apply", fields))
    assert told(finding) == [(path, "kubectl-client-side-apply", Cause.LEFT_BEHIND)]
    assert judged(git, live, entry("argocd-controller", fields)) is None


def test_what_a_controller_keeps_writing_is_never_left_behind() -> None:
    # `kubectl get -o json | kubectl replace -f -` notes all of the object as applied.
    git, live = deployment(), served(deployment())
    revision = "deployment.kubernetes.io/revision"
    applied = {"metadata": {"annotations": {revision: "1"}}}
    live["metadata"]["annotations"] = {
        revision: "2",
        "kubectl.kubernetes.io/last-applied-configuration": orjson.dumps(applied).decode(),
    }
    fields = at(["f:metadata", "f:annotations"], {f"f:{revision}": {}})
    assert judged(git, live, entry("kube-controller-manager", fields)) is None


def test_a_label_without_value_is_stored_as_an_empty_one() -> None:
    git, live = deployment(), served(deployment())
    git["metadata"]["labels"] = {"empty": None}
    live["metadata"]["labels"] = {"empty": ""}
    fields = at(["f:metadata", "f:labels"], {"f:empty": {}})
    assert judged(git, live, entry("kubectl", fields, operation="Apply")) is None
    live["metadata"]["labels"] = {"empty": "x"}
    assert judged(git, live, entry("kubectl-label", fields)) is not None


def test_a_key_that_git_has_dropped_from_a_secrets_string_data() -> None:
    """It is stored as data, and its sender is noted under the name by which it was sent."""
    git: JsonObject = {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": "s", "namespace": "shop"},
        "stringData": {"a": "1"},
    }
    live: JsonObject = {**git, "data": {"a": "MQ==", "b": "Mg=="}}
    del live["stringData"]
    applied = owned(live, entry("kubectl", {"f:stringData": {"f:a": {}, "f:b": {}}}, "Apply"))
    noted = orjson.dumps({**git, "stringData": {"a": "1", "b": "2"}}).decode()
    sent = owned(
        {**live, "metadata": {**git["metadata"], "annotations": {LAST_APPLIED: noted}}},
        entry("kubectl-client-side-apply", {"f:data": {".": {}, "f:a": {}, "f:b": {}}}),
    )
    for found in (applied, sent):
        told = verdict(git, found)
        assert told is not None
        assert [(one.path, one.cause) for one in told.changes] == [("/data/b", Cause.LEFT_BEHIND)]
    kept = answered(git, applied, applied, manager="kubectl")
    assert kept is not None
    assert [(one.path, one.cause) for one in kept.changes] == [("/data/b", Cause.LEFT_BEHIND)]
    assert kept.excused == ()
    # Its sender owns it still, so that it shows nothing.
    gone = verdict(
        git, owned({**live, "data": {}}, entry("kubectl", {"f:stringData": {"f:a": {}}}))
    )
    assert gone is not None
    assert [one.path for one in gone.changes] == ["/data/a"]


def test_what_the_api_server_assigns_as_a_list_is_nobodys() -> None:
    git = {
        "apiVersion": "v1",
        "kind": "ServiceAccount",
        "metadata": {"name": "web", "namespace": "shop"},
    }
    live = {**git, "secrets": [{"name": "web-token-x2k4q"}]}
    # Of an object without managedFields nobody is known to own anything.
    assert verdict(git, live) is None
    named = owned(live, entry("k9s", {"f:secrets": {'k:{"name":"web-token-x2k4q"}': {".": {}}}}))
    told = verdict(git, named)
    assert told is not None
    assert [change.manager for change in told.changes] == ["k9s"]


def test_admission_fills_in_the_null_that_creates_an_object() -> None:
    def ingress(name: str | None, generation: int = 1) -> JsonObject:
        return {
            "apiVersion": "networking.k8s.io/v1",
            "kind": "Ingress",
            "metadata": {
                "name": "web",
                "namespace": "shop",
                "creationTimestamp": TIME,
                "generation": generation,
            },
            "spec": {"ingressClassName": name},
        }

    fields: JsonObject = {"f:spec": {"f:ingressClassName": {}}}
    git, sender = ingress(None), entry("kubectl", fields, "Apply", time=TIME)
    assert verdict(git, owned(ingress("nginx"), sender)) is None
    # Delivered again, null would have taken it away: it was sent with a value.
    later = entry("kubectl", fields, "Apply", time="2026-01-02T04:00:00Z")
    person = entry("k9s", fields, time=TIME)
    for live in (ingress("nginx", 2), ingress("nginx")):
        for who in (later, person):
            told = verdict(git, owned(live, who))
            assert told is not None
            assert [change.path for change in told.changes] == ["/spec/ingressClassName"]
