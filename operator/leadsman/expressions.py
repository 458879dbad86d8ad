"""Regular expressions that users write: in Go's syntax, and in linear time whatever they are.

Python's own would backtrack: ``(a+)+b`` against one long name would stop all work for minutes.
Source: RE2 (google-re2), as Kustomize and Flux take it from Go's ``regexp``.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import re2

_OPTIONS = re2.Options()
_OPTIONS.log_errors = False


@dataclass(frozen=True, slots=True)
class Expression:
    """A compiled expression; made by ``expression``."""

    _compiled: Any

    def matches(self, text: str) -> bool:
        """Tell whether the whole text fits."""
        # Names of files need not be UTF-8, which RE2 reads.
        return self._compiled.fullmatch(text.encode("utf-8", "replace").decode()) is not None


def expression(text: str) -> Expression:
    """Compile an expression. Raises ValueError that says what is wrong with it."""
    try:
        return Expression(re2.compile(text.encode("utf-8", "replace").decode(), _OPTIONS))
    except re2.error as error:
        said = error.args[0] if error.args else ""
        raise ValueError(said.decode() if isinstance(said, bytes) else str(said)) from None
