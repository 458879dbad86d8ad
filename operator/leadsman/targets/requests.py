"""What people ask of a target by annotations on its custom resource."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from leadsman.model.json import JsonObject

# Whose value asks, each time it changes, for a full check. As Flux's requests are, it is answered
# by the value that was carried out last: ``status.lastHandledCheckAt`` of the report.
# Source: ``ReconcileRequestAnnotation`` in fluxcd/pkg ``apis/meta``.
CHECK_REQUESTED: Final = "check.leadsman.dev/requestedAt"
_LONGEST: Final = 512


def check_requested(metadata: JsonObject) -> str:
    """Return what asks for a full check, "" where nobody does; at most 512 characters of it."""
    return str((metadata.get("annotations") or {}).get(CHECK_REQUESTED, ""))[:_LONGEST]
