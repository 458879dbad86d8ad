"""Cut a watch's bytes into lines, each one JSON document, in time linear to their length."""

from __future__ import annotations


class Frames:
    """Collects chunks of any size; a line may be megabytes and come in many of them."""

    def __init__(self) -> None:
        self._parts: list[bytes] = []

    def feed(self, chunk: bytes) -> list[bytes]:
        """Return the lines that end in this chunk, without their ends and without empty ones."""
        if b"\n" not in chunk:
            if chunk:
                self._parts.append(chunk)
            return []
        *ended, rest = chunk.split(b"\n")
        if self._parts:
            ended[0] = b"".join((*self._parts, ended[0]))
            self._parts = []
        if rest:
            self._parts.append(rest)
        return [line for line in ended if line.strip()]
