"""What can go wrong, as one small family of exceptions.

Each error carries a ``reason`` in PascalCase, the same word in the condition, the Event and the
metric's label, and a message that a person can act on. An error concerns one target; it never
delays or hides another.
"""

from __future__ import annotations

from typing import ClassVar


class LeadsmanError(Exception):
    """The root of all errors that are said to users.

    ``stage`` names the stage that failed, as in the metric ``leadsman_target_failing{stage}``.
    ``retryable`` says whether trying again without anybody's help can succeed.
    """

    stage: ClassVar[str] = "engine"

    def __init__(self, reason: str, message: str, *, retryable: bool = True) -> None:
        super().__init__(message)
        self.reason = reason
        self.message = message
        self.retryable = retryable

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.reason!r}, {self.message!r})"


class SpecError(LeadsmanError):
    """A custom resource says something that cannot be carried out."""

    stage = "spec"

    def __init__(self, message: str, *, reason: str = "InvalidSpec") -> None:
        super().__init__(reason, message, retryable=False)


class SourceError(LeadsmanError):
    """The desired state could not be fetched."""

    stage = "source"


class RenderError(LeadsmanError):
    """The desired state could not be rendered."""

    stage = "render"


class KubeError(LeadsmanError):
    """The API server refused, failed or could not be reached.

    ``status`` is the HTTP status code, or 0 where there was no answer.
    """

    stage = "kube"

    def __init__(
        self, reason: str, message: str, *, status: int = 0, retryable: bool = True
    ) -> None:
        super().__init__(reason, message, retryable=retryable)
        self.status = status


class CompareError(LeadsmanError):
    """Desired and live could not be compared."""

    stage = "compare"


class DeliveryError(LeadsmanError):
    """Whoever delivers a target has not delivered it, or says that it fails."""

    stage = "delivery"


class LeaseLostError(LeadsmanError):
    """Another process may have taken over: nothing may be written any more."""

    stage = "election"

    def __init__(self, message: str) -> None:
        super().__init__("LeaseLost", message)
