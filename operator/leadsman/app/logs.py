"""Structured logs: one JSON object a line for machines, or text for people."""

from __future__ import annotations

import json
import logging
import sys
import time
from datetime import UTC, datetime

# What every LogRecord has; all else was given as ``extra``.
_STANDARD = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}
# Libraries that say at INFO what is of no use to an operator's operator.
_QUIET = ("aiohttp.access", "asyncio", "git", "kubernetes", "kopf")
# Seconds between two warnings of what others can cause as often as they like.
_SELDOM = 60.0


class Seldom:
    """Lets one warning through a minute; what comes in between is only counted."""

    def __init__(self) -> None:
        self._said = -_SELDOM

    def due(self) -> bool:
        """Tell whether to warn now, and begin the next minute if so."""
        now = time.monotonic()
        if now - self._said < _SELDOM:
            return False
        self._said = now
        return True


class JsonFormatter(logging.Formatter):
    """Formats a record as one line of JSON with ``time`` (RFC 3339, UTC) and its extras."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line."""
        line: dict[str, object] = {
            "time": _time(record).isoformat(timespec="milliseconds").replace("+00:00", "Z"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
            **_extras(record),
        }
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        return json.dumps(line, default=str, ensure_ascii=False)


class TextFormatter(logging.Formatter):
    """Formats a record as ``12:03:10.123 WARNING message key=value``."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line."""
        extras = "".join(f" {key}={value}" for key, value in _extras(record).items())
        clock = _time(record).strftime("%H:%M:%S.%f")[:-3]
        line = f"{clock} {record.levelname:<7} {record.getMessage()}{extras}"
        if record.exc_info:
            line += "\n" + self.formatException(record.exc_info)
        return line


def configure(style: str, level: str) -> None:
    """Send all logs to standard error, in ``json`` or ``text``, from ``level`` on."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonFormatter() if style == "json" else TextFormatter())
    logging.basicConfig(level=level.upper(), handlers=[handler], force=True)
    for name in _QUIET:
        logging.getLogger(name).setLevel(max(logging.WARNING, logging.getLogger().level))


def _time(record: logging.LogRecord) -> datetime:
    return datetime.fromtimestamp(record.created, UTC)


def _extras(record: logging.LogRecord) -> dict[str, object]:
    return {key: value for key, value in vars(record).items() if key not in _STANDARD}
