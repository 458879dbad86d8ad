"""Turn what the API server answers into errors, and requests into the names metrics use."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from leadsman.errors import KubeError

if TYPE_CHECKING:
    from collections.abc import Mapping

FORBIDDEN = 403
NOT_FOUND = 404
GONE = 410
TOO_MANY_REQUESTS = 429
_SERVER_ERROR = 500

# Reasons of apimachinery's ``StatusReason``, for answers that are no Status of their own.
_REASONS = {
    400: "BadRequest",
    401: "Unauthorized",
    403: "Forbidden",
    404: "NotFound",
    405: "MethodNotAllowed",
    406: "NotAcceptable",
    409: "Conflict",
    410: "Gone",
    413: "RequestEntityTooLarge",
    415: "UnsupportedMediaType",
    422: "Invalid",
    429: "TooManyRequests",
    500: "InternalError",
    503: "ServiceUnavailable",
    504: "Timeout",
}
# What may go well the next time without anybody's help: a rejected token may be replaced, and an
# error without a code (0) says nothing else.
_RETRYABLE = frozenset({0, 401, 408, 409, 410, 429})


class NotServedError(KubeError):
    """The path itself is unknown: a kind that is not served, not an object that is not there."""


class _Details(msgspec.Struct):
    name: str = ""
    retry_after: float = msgspec.field(default=0.0, name="retryAfterSeconds")


class Status(msgspec.Struct):
    """The parts of a ``meta/v1 Status`` that are used."""

    kind: str = ""
    message: str | None = None
    reason: str | None = None
    code: int = 0
    details: _Details | None = None


_STATUS = msgspec.json.Decoder(Status)


def error_of(status: int, body: bytes, request: str) -> KubeError:
    """Return the error that an answer other than success means.

    ``request`` is what was asked, for the message. The API server's own words are kept: for
    ``Forbidden`` they name the rule that RBAC lacks.
    """
    said = _read_status(body)
    if said is not None:
        return error_of_status(said, request, status=status)
    reason = _REASONS.get(status, "UnexpectedAnswer")
    text = " ".join(body[:300].decode("utf-8", "replace").split())
    message = f"{request}: HTTP status {status}{f': {text}' if text else ''}"
    if status == NOT_FOUND:
        message = f"{request}: the API server does not serve this path"
        return NotServedError(reason, message, status=status, retryable=False)
    return KubeError(reason, message, status=status, retryable=_retryable(status))


def error_of_status(said: Status, request: str, *, status: int = 0) -> KubeError:
    """Return the error that a Status object means, as in an answer or in a watch's ERROR event."""
    status = status or said.code
    reason = said.reason or _REASONS.get(status, "UnexpectedAnswer")
    message = said.message or f"{request}: HTTP status {status}"
    if message == reason or status == TOO_MANY_REQUESTS:
        # "storage is (re)initializing" is said of no kind.
        message = f"{request}: {message}"
    if status == NOT_FOUND and not (said.details and said.details.name):
        return NotServedError(reason, f"{request}: {message}", status=status, retryable=False)
    return KubeError(reason, message, status=status, retryable=_retryable(status))


def retry_after(headers: Mapping[str, str]) -> float:
    """Return the seconds that ``Retry-After`` asks for, 0 where it does not."""
    try:
        return max(0.0, float(headers.get("Retry-After", "0")))
    except ValueError:
        return 0.0


def describe(
    method: str, path: str, *, watch: bool = False, apply: bool = False
) -> tuple[str, str]:
    """Return the verb and the resource of a request, as the API server's own metrics name them.

    The resource never holds a namespace or a name. Source: ``RequestInfoFactory`` in
    k8s.io/apiserver.
    """
    parts = path.strip("/").split("/")
    skip = {"api": 2, "apis": 3}.get(parts[0], 0)
    rest = parts[skip:] if skip and len(parts) > skip else []
    if not rest:
        return method.lower(), f"/{parts[0]}"
    if rest[0] == "namespaces" and len(rest) > 2 and rest[2] not in {"status", "finalize"}:  # noqa: PLR2004
        rest = rest[2:]
    resource, *after = rest
    name, sub = (after[0] if after else ""), after[1:2]
    verb = {
        "GET": "get" if name else "watch" if watch else "list",
        "POST": "create",
        "PUT": "update",
        "PATCH": "apply" if apply else "patch",
        "DELETE": "delete" if name else "deletecollection",
    }.get(method, method.lower())
    return verb, "/".join([resource, *sub])


def _retryable(status: int) -> bool:
    return status in _RETRYABLE or status >= _SERVER_ERROR


def _read_status(body: bytes) -> Status | None:
    try:
        said = _STATUS.decode(body)
    except msgspec.MsgspecError:
        return None
    return said if said.kind == "Status" else None
