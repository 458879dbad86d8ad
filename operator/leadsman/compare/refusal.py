"""What it says of an object that the API server refuses a dry run.

Measured on Kubernetes 1.37. An answer does not say by its code alone who refuses: the words are
those of ``k8s.io/apiserver`` (``admission/plugin``, ``endpoints/handlers``) and of RBAC, which have
been the same for years.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum


class Because(Enum):
    """Why a dry run was refused."""

    OBJECT = "object"  # of what Git says: whoever delivers it is refused, too
    LIMITS = "limits"  # of what else is there: quotas, limit ranges, the namespace's pod security
    FORM = "form"  # server-side apply cannot say it; other ways of delivery may
    ASKER = "asker"  # whoever asks may not
    NEEDS = "needs"  # something else is not there, which may be delivered along with it
    ADMISSION = "admission"  # a webhook cannot be asked without consequences, or does not answer
    AGAIN = "again"  # nothing: another time it may go well


@dataclass(frozen=True, slots=True)
class Refusal:
    """A refusal and its ``reason``, a PascalCase word; the message is the API server's."""

    because: Because
    reason: str


def read_refusal(status: int, reason: str, message: str, *, is_new: bool) -> Refusal:
    """Tell why a dry run was refused.

    ``status`` is the HTTP status code, 0 without an answer, ``reason`` that of the Status object;
    ``is_new``: the object is not there yet.
    """
    for pattern, because, said in _WORDS:
        if pattern.search(message):
            return Refusal(because, said or reason)
    is_missing = status == _FORBIDDEN and _MISSING.search(message) is not None
    if is_new and (status == _NOT_FOUND or is_missing):
        return Refusal(Because.NEEDS, reason)
    return Refusal(_BY_STATUS.get(status, Because.AGAIN), reason)


def named(message: str) -> str:
    """Return the admission policy or webhook that a refusal names, "" if it names none."""
    for pattern in _NAMES:
        found = pattern.search(message)
        if found is not None:
            return found[0]
    return ""


_NAMES = (
    re.compile(r"ValidatingAdmissionPolicy '[^']+' with binding '[^']+'"),
    re.compile(r"[Pp]olicy '[^']+' with binding '[^']+'"),
    re.compile(r'admission webhook "[^"]+"'),
    re.compile(r'webhook "[^"]+"'),
)

# In the order in which they are tried: what is denied in somebody's name may quote anything.
_WORDS = tuple(
    (re.compile(words), because, reason)
    for words, because, reason in (
        (r"[Pp]olicy '[^']+' with binding '[^']+' denied request", Because.OBJECT, "PolicyDenied"),
        (
            r"admission webhook \"[^\"]+\" does not support dry run",
            Because.ADMISSION,
            "DryRunUnsupported",
        ),
        (r'admission webhook "[^"]+" denied the request', Because.OBJECT, "WebhookDenied"),
        (r'failed calling webhook "|failed to call webhook', Because.ADMISSION, "WebhookFailed"),
        (r"conversion webhook for ", Because.ADMISSION, "WebhookFailed"),
        # RBAC, and what it asks of those who grant more than they have.
        (r'^\S* ?("[^"]*" )?is forbidden: User "[^"]*" cannot ', Because.ASKER, ""),
        (r"is attempting to grant RBAC permissions not currently held", Because.ASKER, ""),
        (r"cannot set blockOwnerDeletion", Because.ASKER, ""),
        (r"user not permitted to ", Because.ASKER, ""),
        # How server-side apply refuses what it cannot read, with status 500 and no reason.
        (r"failed to create typed patch object", Because.FORM, "Invalid"),
        (r"failed to convert new object", Because.FORM, "Invalid"),
        (r"failed to create manager for existing fields", Because.FORM, "Invalid"),
        (r"error decoding patch", Because.FORM, "Invalid"),
        # Live is of another shape than its definition has by now, or than another version has.
        (r"failed to create typed live object", Because.LIMITS, "Invalid"),
        (r"field not declared in schema$", Because.LIMITS, "Invalid"),
        (r"because it is being terminated", Because.NEEDS, ""),
    )
)
# What an object may name that has to be there before it, in the words of admission.
_MISSING = re.compile(r"\bnot found\b|no PriorityClass with name")

_FORBIDDEN = 403
_NOT_FOUND = 404
_BY_STATUS = {
    400: Because.OBJECT,
    403: Because.LIMITS,
    404: Because.NEEDS,
    405: Because.ASKER,
    406: Because.ASKER,
    413: Because.OBJECT,
    415: Because.ASKER,
    422: Because.OBJECT,
    500: Because.ADMISSION,
    501: Because.ASKER,
}
