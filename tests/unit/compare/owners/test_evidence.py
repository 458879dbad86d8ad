"""What is named as admission's work, and what is not."""

from __future__ import annotations

import json
from copy import deepcopy
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leadsman.compare.judge import judge
from leadsman.compare.owners.evidence import TRACE, Evidence
from leadsman.compare.rewrites.normalize import LAST_APPLIED
from leadsman.model.finding import Cause, Op, State
from unit.compare.samples import deployment, desired, entry, gvk_of, owned, policy, schema_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from leadsman.model.finding import Finding
    from leadsman.model.json import JsonObject

CREATED, LATER = "2026-01-02T03:04:05Z", "2026-01-02T03:04:09Z"
CLIENT = "kubectl-client-side-apply"
_MARK: Any = {"f:annotations": {".": {}, f"f:{LAST_APPLIED}": {}}}


def config(**data: str) -> JsonObject:
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": "web", "namespace": "shop"},
        "data": data,
    }


def fields(*names: str, **more: Any) -> JsonObject:
    return {"f:data": {".": {}, **{f"f:{name}": {} for name in names}}, **more}


GIT = config(image="web:1", gone="x", same="y")
SENT = fields("image", "gone", "same", **{"f:metadata": _MARK})


def applied(sent: JsonObject = GIT, *more: JsonObject, time: str = CREATED) -> JsonObject:
    """The object that ``kubectl apply`` of ``sent`` creates, which admission changes."""
    live = config(image="mirror/web:1", same="y", added="z")
    live["metadata"] |= {
        "creationTimestamp": CREATED,
        "annotations": {LAST_APPLIED: json.dumps(sent)},
    }
    return owned(live, entry(CLIENT, SENT, time=time), *more)


def verdict(
    live: JsonObject, git: JsonObject = GIT, evidence: Sequence[Evidence] = ()
) -> Finding | None:
    return judge(desired(git), live, schema_of(gvk_of(git)), policy(), evidence)


def drifted(live: JsonObject, git: JsonObject = GIT, **more: Any) -> list[str]:
    finding = verdict(live, git, **more)
    return [] if finding is None else [change.path for change in finding.changes]


def test_what_admission_changed_and_removed_is_no_drift() -> None:
    finding = verdict(applied())
    assert finding is not None
    assert (finding.state, finding.changes) == (State.IN_SYNC, ())
    gone, image = finding.excused
    assert (image.op, image.desired, image.live) == (Op.REPLACE, "web:1", "mirror/web:1")
    assert (image.cause, image.manager, image.time) == (Cause.ADMISSION, CLIENT, CREATED)
    assert image.evidence == "kubectl's last-applied annotation"
    assert (gone.op, gone.manager, gone.evidence) == (Op.REMOVE, CLIENT, TRACE)


def test_drift_beside_it_is_drift() -> None:
    live = applied(GIT, entry("kubectl-edit", fields("same"), time=LATER))
    live["data"]["same"] = "person"
    live["metadata"]["managedFields"][0]["fieldsV1"] = {
        **SENT,
        "f:data": {"f:image": {}, "f:gone": {}},
    }
    finding = verdict(live)
    assert finding is not None
    assert (finding.state, [change.path for change in finding.changes]) == (
        State.MODIFIED,
        ["/data/same"],
    )
    assert [change.path for change in finding.excused] == ["/data/gone", "/data/image"]


@pytest.mark.parametrize(
    ("why", "live"),
    [
        ("another file was applied", applied(config(image="other", gone="x", same="y"))),
        ("the file that was applied lacks it", applied(config(gone="x", same="y"))),
        ("it was written later by that name", applied(time=LATER)),
        ("somebody owns it too", applied(GIT, entry("k9s", fields("image"), time=CREATED))),
        ("an entry cannot be read", applied(GIT, {"manager": "x"})),
        ("the time is no time", applied(time="soon")),
        (
            "somebody owns the whole",
            applied(GIT, entry("k9s", {"f:data": {}}, "Apply", time=CREATED)),
        ),
    ],
)
def test_in_doubt_it_is_drift(why: str, live: JsonObject) -> None:
    assert "/data/image" in drifted(live), why


def test_a_person_who_takes_the_field_has_changed_it() -> None:
    live = applied(GIT, entry("kubectl-edit", fields("image"), time=CREATED))
    live["metadata"]["managedFields"][0]["fieldsV1"] = {**SENT, "f:data": {"f:gone": {}}}
    assert drifted(live) == ["/data/image"]


@pytest.mark.parametrize("spoilt", ["", "no json", "[]", '{"apiVersion":"v2","kind":"ConfigMap"}'])
def test_an_annotation_that_says_nothing_shows_nothing(spoilt: str) -> None:
    live = applied()
    live["metadata"]["annotations"][LAST_APPLIED] = spoilt
    assert drifted(live) == ["/data/image"]


def test_an_annotation_that_somebody_else_wrote_shows_nothing() -> None:
    live = applied(GIT, entry("kubectl-edit", {"f:metadata": _MARK}, time=CREATED))
    assert drifted(live) == ["/data/image"]
    live["metadata"]["managedFields"][0]["fieldsV1"] = fields("image", "gone", "same")
    assert drifted(live) == ["/data/image"]


def test_a_field_that_a_person_removed_has_no_owner() -> None:
    live = applied()
    live["metadata"]["managedFields"][0]["fieldsV1"] = {**SENT, "f:data": {"f:image": {}}}
    assert drifted(live) == ["/data/gone"]


def test_a_generation_that_has_grown_needs_somebody_who_wrote() -> None:
    live = applied()
    live["metadata"]["generation"] = 2
    assert drifted(live) == ["/data/image"]
    # As the API server notes it, without a time.
    scaled = entry("kube-controller-manager", {"f:x": {}}, subresource="scale", time="")
    live["metadata"]["managedFields"].append(scaled)
    assert drifted(live) == []


def service(**port: int) -> JsonObject:
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": "web", "namespace": "shop"},
        "spec": {"ports": [{"port": 80, "protocol": "TCP", **port}]},
    }


_PORT: JsonObject = {".": {}, "f:port": {}, "f:nodePort": {}}
PORT_FIELDS: Any = {"f:spec": {"f:ports": {'k:{"port":80,"protocol":"TCP"}': _PORT}}}


def without_port(*strangers: JsonObject) -> JsonObject:
    delivery = entry("helm", PORT_FIELDS, "Update")
    return owned(service(), delivery, *strangers)


def test_what_the_api_server_dropped_for_somebodys_change_is_that_ones_work() -> None:
    git, path = service(nodePort=30080), "/spec/ports/0/nodePort"
    assert drifted(without_port(), git) == []
    person = entry("kubectl-patch", {"f:spec": {"f:type": {}}}, time=LATER)
    assert path in drifted(without_port(person), git)
    scaled = entry("kubectl", {"f:spec": {"f:x": {}}}, subresource="scale", time="")
    assert path in drifted(without_port(scaled), git)
    # A person's label, and a controller's note, drop no port.
    label = entry("kubectl-label", {"f:metadata": {"f:labels": {"f:a": {}}}}, time=LATER)
    assert path not in drifted(without_port(label), git)
    note = entry("kube-controller-manager", {"f:spec": {"f:x": {}}}, time=LATER)
    assert path not in drifted(without_port(note), git)


def test_a_port_that_the_api_server_chose_anew_is_that_ones_work_too() -> None:
    git = service(nodePort=30080)
    noted = entry(CLIENT, {**PORT_FIELDS, "f:metadata": _MARK}, time=CREATED)
    live = service(nodePort=30099)
    live["metadata"] |= {
        "creationTimestamp": CREATED,
        "annotations": {LAST_APPLIED: json.dumps(git)},
    }
    assert drifted(owned(live, noted), git) == []
    stranger = entry("kubectl-patch", {"f:spec": {"f:type": {}}}, time=LATER)
    assert drifted(owned(live, noted, stranger), git) == ["/spec/ports/0/nodePort"]


def test_what_goes_with_what_was_sent_is_no_work_of_admissions() -> None:
    """As where a person applies a file that has another type."""
    git, live = service(nodePort=30080), service()
    git["spec"]["type"], live["spec"]["type"] = "NodePort", "ClusterIP"
    sent = {**git, "spec": {**git["spec"], "type": "ClusterIP"}}
    live["metadata"] |= {
        "creationTimestamp": CREATED,
        "annotations": {LAST_APPLIED: json.dumps(sent)},
    }
    noted = entry(CLIENT, {**PORT_FIELDS, "f:metadata": _MARK}, time=CREATED)
    assert drifted(owned(live, noted), git) == ["/spec/ports/0/nodePort", "/spec/type"]


def test_who_sent_a_key_as_a_string_owns_that_whatever_becomes_of_it() -> None:
    git: JsonObject = {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": "keys", "namespace": "shop"},
        "stringData": {"user": "me"},
    }
    sender = entry("kubectl", {"f:stringData": {"f:user": {}}}, "Apply")
    live = {**{key: git[key] for key in ("apiVersion", "kind", "metadata")}, "data": {}}
    finding = verdict(owned(live, sender), git)
    assert finding is not None
    assert [(each.path, each.manager) for each in finding.changes] == [("/data/user", "")]


def test_an_owner_from_before_the_object_was_made_shows_nothing() -> None:
    live = applied()
    live["data"]["image"] = "web:1"
    assert drifted(live) == []
    live["metadata"]["creationTimestamp"] = "2026-01-02T03:05:00Z"
    assert drifted(live) == ["/data/gone"]


def released(begun: str, ended: str, document: JsonObject = GIT) -> Evidence:
    return Evidence("Helm release web v2", frozenset({"helm"}), document, begun, ended)


def by_helm(time: str = LATER) -> JsonObject:
    live = config(image="mirror/web:1", same="y", gone="x")
    live["metadata"]["creationTimestamp"] = CREATED
    return owned(live, entry("helm", fields("image", "gone", "same"), "Apply", time=time))


@pytest.mark.parametrize(
    ("evidence", "time", "shown"),
    [
        ([], LATER, False),
        ([], CREATED, False),
        ([released(LATER, LATER)], LATER, True),
        ([released(CREATED, "2026-01-02T03:04:08Z")], LATER, False),
        ([released("2026-01-02T03:04:10Z", "2026-01-02T03:04:11Z")], LATER, False),
        ([released("", "")], LATER, False),
        # Not written since it was created: whatever was sent last changed nothing.
        ([released("2026-01-03T00:00:00Z", "2026-01-03T00:00:01Z")], CREATED, True),
        ([released(LATER, LATER, config(image="other"))], LATER, False),
        # What was sent last has another value; what was sent then has Git's.
        ([released("2026-01-03T00:00:00Z", "", config()), released(LATER, LATER)], LATER, False),
        ([released("2026-01-03T00:00:00Z", ""), released(LATER, LATER)], LATER, True),
        ([released("2026-01-03T00:00:00Z", ""), released(LATER, LATER, config())], LATER, False),
    ],
)
def test_a_write_must_lie_in_the_time_of_a_delivery(
    evidence: list[Evidence], time: str, *, shown: bool
) -> None:
    assert drifted(by_helm(time), evidence=evidence) == ([] if shown else ["/data/image"])


def test_evidence_of_another_manager_is_none() -> None:
    evidence = Evidence("Flux", frozenset({"kustomize-controller"}), GIT, LATER, LATER)
    assert drifted(by_helm(), evidence=[evidence]) == ["/data/image"]


_MANAGERS = st.sampled_from(
    ["kubectl-edit", "kubectl-patch", "kubectl", "k9s", "node-fetch", CLIENT, "helm", "Mozilla"]
)


@given(_MANAGERS, st.sampled_from(["Apply", "Update"]), st.sampled_from([CREATED, LATER]))
def test_whoever_writes_another_value_is_never_excused(
    manager: str, operation: str, time: str
) -> None:
    """As the API server notes it: the writer owns the field, and nobody else does.

    But for one who takes the name and the way of who created the object, in the same second.
    """
    live = deepcopy(applied())
    live["data"] |= {"image": "person"}
    if (manager, operation) == (CLIENT, "Update"):
        live["metadata"]["managedFields"][0]["time"] = LATER
    else:
        live["metadata"]["managedFields"][0]["fieldsV1"] = {
            **SENT,
            "f:data": {"f:gone": {}, "f:same": {}},
        }
        writer = entry(manager, fields("image"), operation, time=time)
        live["metadata"]["managedFields"].append(writer)
    assert "/data/image" in drifted(live)
    evidence = [released(CREATED, CREATED)]
    if (manager, time) != ("helm", CREATED):
        assert "/data/image" in drifted(live, evidence=evidence)


def test_a_removal_shows_nothing_where_nobody_is_noted_any_more() -> None:
    """An element without its key ends the bookkeeping: the former owner stays, whoever writes."""
    git: JsonObject = {
        "apiVersion": "v1",
        "kind": "ServiceAccount",
        "metadata": {"name": "web", "namespace": "shop"},
        "secrets": [{"name": "credentials"}],
    }
    sender = entry("kubectl", {"f:secrets": {'k:{"name":"credentials"}': {}}}, "Apply")

    def found(secrets: list[JsonObject]) -> tuple[int, int]:
        finding = verdict(owned({**git, "secrets": secrets}, sender), git)
        assert finding is not None
        return len(finding.changes), len(finding.excused)

    assert found([]) == (0, 1)
    assert found([{}]) == (2, 0)


def test_a_zero_that_was_sent_and_is_not_stored_shows_no_removal() -> None:
    """Its sender owns it even after somebody has removed the element that it stood in."""
    git, live = deployment(), deployment()
    git["spec"]["template"]["spec"]["containers"].append(
        {"name": "log", "image": "log:1", "tty": False}
    )
    element = 'k:{"name":"log"}'

    def found(owned_fields: JsonObject) -> tuple[int, int]:
        below = {"f:containers": {element: owned_fields}}
        fields: JsonObject = {"f:spec": {"f:template": {"f:spec": below}}}
        finding = verdict(owned(live, entry("kubectl", fields, "Apply")), git)
        assert finding is not None
        return len(finding.changes), len(finding.excused)

    assert found({"f:tty": {}}) == (1, 0)
    assert found({"f:tty": {}, "f:image": {}}) == (1, 0)
    assert found({".": {}, "f:name": {}}) == (0, 1)


@pytest.mark.parametrize(
    ("operation", "field", "value", "told"),
    [
        # By an update one owns what was stored.
        ("Update", "hostNetwork", True, []),
        ("Update", "affinity", {"nodeAffinity": {}}, []),
        # It may have been applied as false, or without anything in it, which is not stored.
        ("Apply", "hostNetwork", True, ["hostNetwork"]),
        ("Apply", "affinity", {"nodeAffinity": {}}, ["affinity"]),
        # Its false is stored.
        ("Apply", "automountServiceAccountToken", True, []),
    ],
)
def test_who_applies_owns_what_is_left_out_as_empty(
    operation: str, field: str, value: Any, told: list[str]
) -> None:
    git = deployment()
    git["spec"]["template"]["spec"][field] = value
    sent: JsonObject = {"f:spec": {"f:template": {"f:spec": {f"f:{field}": {}}}}}
    live = owned(deployment(), entry("helm", sent, operation))
    assert [path.rpartition("/")[2] for path in drifted(live, git)] == told


def test_a_struct_in_which_anything_was_applied_is_stored() -> None:
    git = deployment()
    (container,) = git["spec"]["template"]["spec"]["containers"]
    container["livenessProbe"] = {"exec": {"command": ["true"]}}
    element = f'k:{{"name":"{container["name"]}"}}'

    def told(probe: JsonObject) -> list[str]:
        containers: JsonObject = {element: {".": {}, "f:name": {}, "f:livenessProbe": probe}}
        sent: JsonObject = {"f:spec": {"f:template": {"f:spec": {"f:containers": containers}}}}
        return drifted(owned(deployment(), entry("helm", sent, "Apply")), git)

    assert told({"f:exec": {"f:command": {}}}) == []
    assert told({}) == ["/spec/template/spec/containers/0/livenessProbe"]


def test_an_atomic_list_may_have_been_applied_empty() -> None:
    def binding(*subjects: JsonObject) -> JsonObject:
        return {
            "apiVersion": "rbac.authorization.k8s.io/v1",
            "kind": "RoleBinding",
            "metadata": {"name": "web", "namespace": "shop"},
            "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": "web"},
        } | ({"subjects": list(subjects)} if subjects else {})

    git = binding({"kind": "ServiceAccount", "name": "web", "namespace": "shop"})
    live = owned(binding(), entry("kubectl", {"f:subjects": {}}, "Apply"))
    assert drifted(live, git) == ["/subjects"]


def test_who_stored_null_owns_it() -> None:
    role: JsonObject = {
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": "ClusterRole",
        "metadata": {"name": "web"},
        "rules": [{"apiGroups": [""], "resources": ["pods"], "verbs": ["get"]}],
    }
    live = owned(role | {"rules": None}, entry(CLIENT, {"f:rules": {}}, "Update"))
    assert drifted(live, role) == ["/rules"]
