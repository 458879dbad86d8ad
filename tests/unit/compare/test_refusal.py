"""Who refuses a dry run, read from answers of a v1.37 API server."""

from __future__ import annotations

import pytest

from leadsman.compare.refusal import Because, named, read_refusal

WEB = 'deployments.apps "web" is forbidden: '
RBAC_NAME = "rbac.authorization.k8s.io"
ESCALATES = "is attempting to grant RBAC permissions not currently held"
SA = "system:serviceaccount:leadsman-system:leadsman"

CASES = {
    "RBAC": (
        (403, "Forbidden", f'{WEB}User "{SA}" cannot patch resource "deployments"'),
        (Because.ASKER, "Forbidden"),
    ),
    "RBAC of a collection": (
        (403, "Forbidden", f'configmaps is forbidden: User "{SA}" cannot create resource "x"'),
        (Because.ASKER, "Forbidden"),
    ),
    "escalation": (
        (
            403,
            "Forbidden",
            f'clusterroles.{RBAC_NAME} "a" is forbidden: user "{SA}" {ESCALATES}:\n{{}}',
        ),
        (Because.ASKER, "Forbidden"),
    ),
    "validating policy": (
        (
            422,
            "Invalid",
            f"{WEB}ValidatingAdmissionPolicy 'p' with binding 'b' denied request: not found",
        ),
        (Because.OBJECT, "PolicyDenied"),
    ),
    "mutating policy that fails": (
        (
            403,
            "Invalid",
            "policy 'p' with binding 'b' denied request: expression 'x' resulted in error: y",
        ),
        (Because.OBJECT, "PolicyDenied"),
    ),
    "webhook": (
        (500, "Nope", 'admission webhook "w.example.com" denied the request: not today'),
        (Because.OBJECT, "WebhookDenied"),
    ),
    "webhook with side effects": (
        (400, "BadRequest", 'admission webhook "w" does not support dry run'),
        (Because.ADMISSION, "DryRunUnsupported"),
    ),
    "webhook that does not answer": (
        (
            500,
            "InternalError",
            'Internal error occurred: failed calling webhook "w": failed to call webhook: Post',
        ),
        (Because.ADMISSION, "WebhookFailed"),
    ),
    "server-side apply cannot say it": (
        (500, "InternalError", "failed to create typed patch object (/x; v1, Kind=Y): .a: bad"),
        (Because.FORM, "Invalid"),
    ),
    "a value that cannot be read": (
        (
            500,
            "InternalError",
            "failed to convert new object (/x; v1, Kind=Y) to proper version: q",
        ),
        (Because.FORM, "Invalid"),
    ),
    "server-side apply cannot read what lives": (
        (500, "InternalError", "failed to create typed live object: .spec.mode: expected numeric"),
        (Because.LIMITS, "Invalid"),
    ),
    "nor in another version": (
        (500, "InternalError", ".spec.lid: field not declared in schema"),
        (Because.LIMITS, "Invalid"),
    ),
    "a rule of a definition, in any words": (
        (422, "Invalid", 'Jar.x "one" is invalid: spec: Invalid value: "object": lid not found'),
        (Because.OBJECT, "Invalid"),
    ),
    "YAML": (
        (400, "BadRequest", "error decoding patch: error converting YAML to JSON: yaml: bad"),
        (Because.FORM, "Invalid"),
    ),
    "validation": (
        (422, "Invalid", 'Deployment.apps "web" is invalid: spec.replicas: Invalid value: -1'),
        (Because.OBJECT, "Invalid"),
    ),
    "pod security": (
        (403, "Forbidden", 'pods "p" is forbidden: violates PodSecurity "restricted:latest"'),
        (Because.LIMITS, "Forbidden"),
    ),
    "too large": (
        (413, "RequestEntityTooLarge", "Request entity too large: limit is 3145728"),
        (Because.OBJECT, "RequestEntityTooLarge"),
    ),
    "namespace that ends": (
        (
            403,
            "Forbidden",
            f"{WEB}unable to create new content in namespace x because it is being terminated",
        ),
        (Because.NEEDS, "Forbidden"),
    ),
    "conflict": ((409, "Conflict", "the object has been modified"), (Because.AGAIN, "Conflict")),
    "throttled": ((429, "TooManyRequests", "try again"), (Because.AGAIN, "TooManyRequests")),
    "down": ((503, "ServiceUnavailable", "down"), (Because.AGAIN, "ServiceUnavailable")),
    "no answer": ((0, "Timeout", "no answer"), (Because.AGAIN, "Timeout")),
    "no server-side apply": (
        (415, "UnsupportedMediaType", "the body of the request was in an unknown format"),
        (Because.ASKER, "UnsupportedMediaType"),
    ),
    "broken": ((500, "InternalError", "something else"), (Because.ADMISSION, "InternalError")),
}


@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize("is_new", [False, True])
def test_who_refuses(name: str, *, is_new: bool) -> None:
    (status, reason, message), expected = CASES[name]
    refusal = read_refusal(status, reason, message, is_new=is_new)
    assert (refusal.because, refusal.reason) == expected


@pytest.mark.parametrize(
    ("status", "message"),
    [
        (404, 'namespaces "shop" not found'),
        (
            403,
            'pods "p" is forbidden: error looking up service account: serviceaccount "x" not found',
        ),
        (403, 'pods "p" is forbidden: no PriorityClass with name high was found'),
        (403, 'pods "p" is forbidden: pod rejected: RuntimeClass "x" not found'),
    ],
)
def test_a_new_object_may_need_what_is_delivered_with_it(status: int, message: str) -> None:
    assert read_refusal(status, "X", message, is_new=True).because is Because.NEEDS


def test_who_refuses_is_named() -> None:
    policy = "ValidatingAdmissionPolicy 'p' with binding 'b'"
    assert named(f"{WEB}{policy} denied request: x") == policy
    assert named('admission webhook "w" denied the request: x') == 'admission webhook "w"'
    assert named("data: Too long") == ""
