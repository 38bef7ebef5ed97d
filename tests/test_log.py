"""The log: one form, every request's id, no personal data."""

from __future__ import annotations

import io
import json
import logging
import sys

import pytest

from features.contract import SettingsError
from serving.log import JsonLines, ReadableLines, RequestLog, configure, new_request_id, request_id, requests_told


def record(message: str = "words", *, failing: bool = False, **told: object) -> logging.LogRecord:
    info = None
    if failing:
        try:
            raise ValueError("Jane Doe")  # noqa: TRY301 - it is to be logged
        except ValueError:
            info = sys.exc_info()
    made = logging.LogRecord("leadheat.serving", logging.WARNING, __file__, 1, message, None, info)
    made.told = told
    return made


@pytest.fixture
def known() -> object:
    token = request_id.set("id-1")
    yield "id-1"
    request_id.reset(token)


@pytest.mark.usefixtures("known")
def test_a_line_is_one_json_object_with_the_request() -> None:
    text = JsonLines().format(record("two\nlines", route="/leads/{lead_id}", status=503))
    line = json.loads(text)
    assert "\n" not in text
    assert line["message"] == "two\nlines"
    assert (line["level"], line["route"], line["status"], line["request_id"]) == ("warning", "/leads/{lead_id}", 503, "id-1")
    assert line["time"].endswith("Z")


@pytest.mark.usefixtures("known")
def test_a_readable_line() -> None:
    text = ReadableLines().format(record(route="/score", key=""))
    assert text.endswith("WARNING leadheat.serving words route=/score request_id=id-1")


@pytest.mark.parametrize("form", [JsonLines(), ReadableLines()])
def test_an_exception_is_told_without_what_it_says(form: logging.Formatter) -> None:
    text = form.format(record(failing=True))
    assert "Jane Doe" in str(record(failing=True).exc_info)
    assert "Jane" not in text.replace('raise ValueError("Jane Doe")', "").replace('raise ValueError(\\"Jane Doe\\")', "")
    assert "ValueError" in text
    assert "test_log.py" in text


@pytest.mark.parametrize("stated", [None, "", "two words", "x" * 129, "line\nbreak", "ü"])
def test_an_id_that_could_do_harm_is_replaced(stated: str | None) -> None:
    made = new_request_id(stated)
    assert made != stated
    assert len(made) == 16
    assert made != new_request_id(stated)


def test_a_sane_id_is_taken_over() -> None:
    assert new_request_id("2f1b-44:a/b") == "2f1b-44:a/b"


@pytest.mark.parametrize(
    ("which", "told"),
    [("all", [200, 200, 404, 500]), ("notable", [200, 500]), ("none", [])],
)
def test_which_requests_are_told(which: str, told: list[int], caplog: pytest.LogCaptureFixture) -> None:
    log = RequestLog(which)
    with caplog.at_level(logging.INFO, "leadheat.requests"):
        for status, seconds in ((200, 0.01), (200, 3.0), (404, 0.01), (500, 0.01)):
            log.note("/score", "POST", status, seconds, "crm")
    assert [one.told["status"] for one in caplog.records] == told  # type: ignore[attr-defined]


def test_the_whole_process_logs_in_one_form(monkeypatch: pytest.MonkeyPatch) -> None:
    root, library = logging.getLogger(), logging.getLogger("a library's")
    kept = root.handlers[:]
    library.handlers, written = [logging.StreamHandler(io.StringIO())], io.StringIO()
    monkeypatch.setattr(sys, "stderr", written)
    try:
        configure({"LEADHEAT_LOG": "json"})
        library.warning("words")
    finally:
        root.handlers[:] = kept
        logging.captureWarnings(capture=False)
    assert json.loads(written.getvalue())["logger"] == "a library's"


def test_values_that_are_none_are_refused() -> None:
    assert requests_told({}) == "notable"
    with pytest.raises(SettingsError, match="LEADHEAT_LOG_REQUESTS=some is none of its values"):
        requests_told({"LEADHEAT_LOG_REQUESTS": "some"})
