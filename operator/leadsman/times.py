"""Times as the Kubernetes API writes them: RFC 3339, UTC."""

from __future__ import annotations

from datetime import UTC, datetime

# The first second that four digits of a year cannot write, 10000-01-01T00:00:00Z.
_END = 253_402_300_800


def rfc3339(seconds: float) -> str:
    """Format seconds since the epoch as metav1.Time does; "" for 0 and what is out of range."""
    # Not 0: a commit's time comes from whoever made the commit, and git takes any number.
    if not 1 <= seconds < _END:
        return ""
    return f"{datetime.fromtimestamp(int(seconds), UTC):%Y-%m-%dT%H:%M:%SZ}"


def rfc3339_micro(seconds: float) -> str:
    """Format seconds since the epoch as metav1.MicroTime does."""
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%dT%H:%M:%S.%fZ}"


def seconds_of(text: object) -> float:
    """Read an RFC 3339 time as seconds since the epoch; 0 if it is none."""
    if not isinstance(text, str):
        return 0.0
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return 0.0
    return moment.timestamp() if moment.tzinfo is not None else 0.0
