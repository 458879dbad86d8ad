"""Types of decoded JSON."""

from __future__ import annotations

from typing import Any, TypeAlias

# ``Any`` inside on purpose: a recursive alias makes every access a cast and proves nothing about
# documents whose shape only a schema known at run time can tell.
Json: TypeAlias = Any
JsonObject: TypeAlias = dict[str, Any]
