from __future__ import annotations

import json
import logging

from leadsman.app.logs import JsonFormatter, TextFormatter


def _record(message: str, **extra: object) -> logging.LogRecord:
    record = logging.makeLogRecord(
        {"name": "leadsman.x", "levelno": 30, "levelname": "WARNING", "msg": message, "created": 0}
    )
    vars(record).update(extra)
    return record


def test_json_has_the_message_and_its_extras_on_one_line() -> None:
    line = JsonFormatter().format(_record("two\nlines", target="DriftCheck shop/web", port=8080))
    assert "\n" not in line
    assert json.loads(line) == {
        "time": "1970-01-01T00:00:00.000Z",
        "level": "warning",
        "logger": "leadsman.x",
        "message": "two\nlines",
        "target": "DriftCheck shop/web",
        "port": 8080,
    }


def test_text_is_for_people() -> None:
    line = TextFormatter().format(_record("source failed", target="shop/web"))
    assert line == "00:00:00.000 WARNING source failed target=shop/web"


def test_an_exception_is_kept() -> None:
    try:
        raise ValueError("odd")  # noqa: TRY301 - to have a traceback
    except ValueError as error:
        record = _record("failed", exc_info=(type(error), error, error.__traceback__))
    assert "ValueError: odd" in json.loads(JsonFormatter().format(record))["exception"]
    assert "ValueError: odd" in TextFormatter().format(record)
