"""Objects, schemas and verdicts for the tests of the comparison.

``openapi-v1.37.json`` is what a v1.37 API server says of some built-in kinds, without descriptions.
"""

from __future__ import annotations

import hashlib
import json
from copy import deepcopy
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import orjson

from leadsman.compare.dryrun import Answer
from leadsman.compare.judge import judge
from leadsman.compare.kinds.schema import Schema, build_schema
from leadsman.compare.policy import compile_policy
from leadsman.model.desired import DesiredObject
from leadsman.model.identity import Gvk, ObjectKey, TargetKey
from leadsman.model.source import LocalSource
from leadsman.model.target import Target

if TYPE_CHECKING:
    from leadsman.compare.policy import Policy
    from leadsman.model.finding import Change, Finding
    from leadsman.model.json import Json, JsonObject

TIME = "2026-01-02T03:04:05Z"

_HERE = Path(__file__).parent

# A custom resource as the API server publishes its structural schema.
WIDGET = Gvk("example.com", "v1", "Widget")
WIDGET_DOCUMENT: JsonObject = {
    "components": {
        "schemas": {
            "com.example.v1.Widget": {
                "type": "object",
                "x-kubernetes-group-version-kind": [
                    {"group": "example.com", "version": "v1", "kind": "Widget"}
                ],
                "properties": {
                    "apiVersion": {"type": "string"},
                    "kind": {"type": "string"},
                    "metadata": {
                        "allOf": [
                            {
                                "$ref": "#/components/schemas/"
                                "io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta"
                            }
                        ]
                    },
                    "spec": {
                        "type": "object",
                        "properties": {
                            "size": {"type": "integer", "default": 3},
                            "enabled": {"type": "boolean"},
                            "note": {"type": "string", "nullable": True},
                            "label": {"type": "string", "nullable": True, "default": "red"},
                            "timeout": {"type": "string", "format": "duration"},
                            "retry": {
                                "type": "string",
                                "pattern": "^([0-9]+(\\.[0-9]+)?(ms|s|m|h))+$",
                            },
                            "memory": {
                                "anyOf": [{"type": "integer"}, {"type": "string"}],
                                "pattern": "^(\\+|-)?(([0-9]+)([KMGTPE]i|[numkMGTPE]))?$",
                                "x-kubernetes-int-or-string": True,
                            },
                            "port": {"x-kubernetes-int-or-string": True},
                            "at": {"type": "string", "format": "date-time"},
                            "blob": {"type": "string", "format": "byte"},
                            "self": {"type": "object"},
                            "nested": {
                                "type": "object",
                                "default": {"inner": {"y": 2}},
                                "properties": {
                                    "inner": {
                                        "type": "object",
                                        "properties": {
                                            "y": {"type": "integer", "default": 7},
                                            "z": {"type": "integer", "default": 1},
                                        },
                                    }
                                },
                            },
                            "limits": {
                                "type": "object",
                                "default": {"cpu": "1"},
                                "properties": {
                                    "cpu": {"type": "string"},
                                    "burst": {"type": "boolean", "default": False},
                                },
                            },
                            "values": {
                                "type": "object",
                                "x-kubernetes-preserve-unknown-fields": True,
                            },
                            "template": {
                                "type": "object",
                                "x-kubernetes-embedded-resource": True,
                                "x-kubernetes-preserve-unknown-fields": True,
                            },
                            "rules": {
                                "type": "array",
                                "items": {
                                    "type": "object",
                                    "properties": {
                                        "name": {"type": "string"},
                                        "weight": {"type": "integer", "default": 1},
                                    },
                                },
                            },
                            "tags": {
                                "type": "array",
                                "x-kubernetes-list-type": "set",
                                "items": {"type": "string"},
                            },
                            "parts": {
                                "type": "array",
                                "x-kubernetes-list-type": "map",
                                "x-kubernetes-list-map-keys": ["name"],
                                "items": {
                                    "type": "object",
                                    "properties": {
                                        "name": {"type": "string"},
                                        "count": {"type": "integer"},
                                    },
                                },
                            },
                        },
                    },
                },
            }
        }
    }
}


@cache
def builtin_document() -> JsonObject:
    """The OpenAPI of built-in kinds."""
    document: JsonObject = orjson.loads((_HERE / "openapi-v1.37.json").read_bytes())
    return document


@cache
def schema_of(gvk: Gvk) -> Schema | None:
    """The schema of a kind of the samples, None if it has none."""
    if gvk == WIDGET:
        document = deepcopy(WIDGET_DOCUMENT)
        document["components"]["schemas"].update(builtin_document()["components"]["schemas"])
        return build_schema(document, gvk)
    return build_schema(builtin_document(), gvk)


def gvk_of(obj: JsonObject) -> Gvk:
    return Gvk.parse(obj["apiVersion"], obj["kind"])


def desired(obj: JsonObject) -> DesiredObject:
    """An object as Git renders it."""
    gvk, metadata = gvk_of(obj), obj.get("metadata") or {}
    # Not orjson, which writes no more than 254 levels.
    body = json.dumps(obj, sort_keys=True, ensure_ascii=False, separators=(",", ":")).encode()
    key = ObjectKey(gvk.group, gvk.kind, metadata.get("namespace", ""), metadata.get("name", ""))
    return DesiredObject(key, gvk, body, hashlib.sha256(body).digest()[:16], "app/web.yaml")


def policy(**said: Any) -> Policy:
    """The policy of a target that says something of comparison."""
    target = Target(TargetKey("DriftCheck", "shop", "web"), LocalSource(Path()), **said)
    return compile_policy(target)


def verdict(
    git: JsonObject, live: JsonObject | None, *, schemaless: bool = False, **said: Any
) -> Finding | None:
    """Judge a live object against Git's; what is said is the target's."""
    schema = None if schemaless else schema_of(gvk_of(git))
    return judge(desired(git), live, schema, policy(**said))


def answered(
    git: JsonObject, live: JsonObject, merged: JsonObject, manager: str = "", **said: Any
) -> Finding | None:
    """Judge by what the API server made of Git's object when it was asked in a manager's name."""
    answer = Answer(merged, manager)
    return judge(desired(git), live, schema_of(gvk_of(git)), policy(**said), answer=answer)


def changes(git: JsonObject, live: JsonObject, **said: Any) -> list[tuple[str, str, Json, Json]]:
    """Return operation, path and both values of all changes."""
    finding = verdict(git, live, **said)
    return [] if finding is None else [_told(change) for change in finding.changes]


def _told(change: Change) -> tuple[str, str, Json, Json]:
    return change.op.value, change.path, change.desired, change.live


def entry(
    manager: str,
    fields: JsonObject,
    operation: str = "Update",
    *,
    subresource: str = "",
    time: str = TIME,
) -> JsonObject:
    """One entry of managedFields."""
    made: JsonObject = {
        "manager": manager,
        "operation": operation,
        "apiVersion": "v1",
        "fieldsType": "FieldsV1",
        "fieldsV1": fields,
    }
    if time:
        made["time"] = time
    if subresource:
        made["subresource"] = subresource
    return made


def owned(live: JsonObject, *entries: JsonObject) -> JsonObject:
    """Return a live object with managedFields."""
    return {**live, "metadata": {**live.get("metadata", {}), "managedFields": list(entries)}}


# Delivery that owns next to nothing: enough for everything else to be the API server's.
DELIVERED = entry("kustomize-controller", {"f:metadata": {}}, "Apply")


def widget(spec: JsonObject, **metadata: Any) -> JsonObject:
    return {
        "apiVersion": "example.com/v1",
        "kind": "Widget",
        "metadata": {"name": "w", "namespace": "shop", **metadata},
        "spec": spec,
    }


def deployment(pod: JsonObject | None = None, **spec: Any) -> JsonObject:
    """A Deployment with one container, changed by what is given."""
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "web", "namespace": "shop", "labels": {"app": "web"}},
        "spec": {
            "replicas": 2,
            "selector": {"matchLabels": {"app": "web"}},
            "template": {
                "metadata": {"labels": {"app": "web"}},
                "spec": {
                    "containers": [{"name": "web", "image": "nginx:1.25"}],
                    **(pod or {}),
                },
            },
            **spec,
        },
    }


def served(git: JsonObject) -> JsonObject:
    """A Deployment as the API server stores it after it was applied."""
    live = deepcopy(git)
    live["metadata"] |= {"uid": "1", "resourceVersion": "2", "generation": 3}
    live["metadata"]["creationTimestamp"] = TIME
    live["metadata"]["annotations"] = {"deployment.kubernetes.io/revision": "1"}
    live["status"] = {"replicas": 2}
    spec = live["spec"]
    spec["progressDeadlineSeconds"] = 600
    spec["revisionHistoryLimit"] = 10
    spec["strategy"] = {
        "type": "RollingUpdate",
        "rollingUpdate": {"maxSurge": "25%", "maxUnavailable": "25%"},
    }
    pod = spec["template"]["spec"]
    for name, value in {
        "dnsPolicy": "ClusterFirst",
        "restartPolicy": "Always",
        "schedulerName": "default-scheduler",
        "securityContext": {},
        "terminationGracePeriodSeconds": 30,
    }.items():
        pod.setdefault(name, value)
    for container in pod["containers"]:
        for name, value in {
            "imagePullPolicy": "IfNotPresent",
            "resources": {},
            "terminationMessagePath": "/dev/termination-log",
            "terminationMessagePolicy": "File",
        }.items():
            container.setdefault(name, value)
    return owned(
        live,
        entry("kustomize-controller", {"f:spec": {"f:replicas": {}}}, "Apply"),
        entry(
            "kube-controller-manager",
            {
                "f:metadata": {
                    "f:annotations": {".": {}, "f:deployment.kubernetes.io/revision": {}}
                },
            },
        ),
    )
