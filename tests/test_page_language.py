from __future__ import annotations

import re
import tomllib
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from features.contract import DAY, HOUR, MINUTE, SettingsError, to_micros
from models.next_steps import DEFAULT_STEPS
from serving.page import language as module
from serving.page.language import CODES, Language, preferred, zone_of
from serving.page.told import Due, value
from serving.page.worklist import lede_of
from tests.small_world import SmallWorld

ENGLISH, GERMAN = Language("en"), Language("de")
WORDS = tomllib.loads(Path(module.__file__).with_name("words.toml").read_text(encoding="utf-8"))
TEXTS = {f"{part}.{key}": texts for part, keys in WORDS.items() if part != "phrases" for key, texts in keys.items()}
TEMPLATES = sorted(Path(module.__file__).parent.glob("templates/*.html"))


def places(text: str | list[str]) -> set[str]:
    return set(re.findall(r"{(\w+)}", " ".join(text) if isinstance(text, list) else text))


@pytest.mark.parametrize("key", TEXTS)
def test_every_text_is_there_in_all_languages_with_the_same_places(key: str) -> None:
    texts = TEXTS[key]
    assert tuple(texts) == CODES
    assert len({isinstance(text, list) for text in texts.values()}) == 1
    assert all(text if isinstance(text, str) else len(text) == 2 for text in texts.values())
    assert places(texts["de"]) == places(texts["en"])


@pytest.mark.parametrize("phrase", WORDS["phrases"], ids=lambda one: str(one["en"]))
def test_every_phrase_has_the_same_places_in_german(phrase: dict[str, str]) -> None:
    assert places(phrase["de"]) == places(phrase["en"])


def test_no_template_asks_for_words_that_are_not_there() -> None:
    asked = {key for file in TEMPLATES for key in re.findall(r'\bt(?:\.html)?\("([\w.]+)"\s*[,)]', file.read_text(encoding="utf-8"))}
    assert len(asked) > 60
    assert asked <= TEXTS.keys()


def test_templates_hold_no_words_of_their_own_and_nothing_unsafe() -> None:
    for file in TEMPLATES:
        plain = re.sub(r"{#.*?#}|{%.*?%}|{{.*?}}", " ", file.read_text(encoding="utf-8"), flags=re.DOTALL)
        text = re.sub(r"<[^>]*>", " ", plain)
        assert set(re.findall(r"[A-Za-z]{3,}", text)) <= {"leadheat"}, file.name
        assert not re.search(r"\|\s*safe|style=|<script|\bon\w+=", file.read_text(encoding="utf-8")), file.name


@pytest.mark.parametrize(
    ("value", "digits", "english", "german"),
    [(1234567, 0, "1,234,567", "1.234.567"), (-1234.5, 1, "−1,234.5", "−1.234,5"), (-0.04, 1, "0.0", "0,0"), (0, 0, "0", "0")],  # noqa: RUF001
)
def test_numbers_bear_the_marks_of_the_language(value: float, digits: int, english: str, german: str) -> None:
    assert ENGLISH.number(value, digits) == english
    assert GERMAN.number(value, digits) == german


@pytest.mark.parametrize(
    ("share", "english", "german"),
    [
        (0.0, "0%", "0 %"),
        (0.0004, "< 0.1%", "< 0,1 %"),
        (0.041, "4.1%", "4,1 %"),
        (0.0999, "10%", "10 %"),
        (0.413, "41%", "41 %"),
        (0.9999, "> 99%", "> 99 %"),
        (1.0, "100%", "100 %"),
    ],
)
def test_shares_have_as_many_digits_as_help(share: float, english: str, german: str) -> None:
    spaces = {ord(module.NARROW): " "}
    assert ENGLISH.percent(share).translate(spaces) == english
    assert GERMAN.percent(share).translate(spaces) == german


def test_days_are_named_as_people_do() -> None:
    now = datetime(2026, 11, 24, 9, tzinfo=UTC)
    days = [datetime(2026, 11, 23, 23, tzinfo=UTC), now, datetime(2026, 11, 25, tzinfo=UTC), datetime(2026, 3, 1, tzinfo=UTC)]
    assert [ENGLISH.day(one, now) for one in days] == ["yesterday", "today", "tomorrow", "1 Mar"]
    assert [GERMAN.day(one, now) for one in days] == ["gestern", "heute", "morgen", "1. März"]
    assert GERMAN.day(datetime(2025, 12, 31, tzinfo=UTC), now) == "31. Dez. 2025"
    assert GERMAN.weekday(now) == "Dienstag"


def test_the_day_is_that_of_the_zone() -> None:
    berlin = Language("de", zone_of({"LEADHEAT_TIMEZONE": "Europe/Berlin"}))
    late = to_micros(datetime(2026, 11, 23, 23, 30, tzinfo=UTC))
    assert berlin.time(berlin.local(late)) == "00:30"
    assert berlin.date(berlin.local(late)) == "24. Nov. 2026"


def test_a_zone_that_is_none_is_told() -> None:
    with pytest.raises(SettingsError, match="LEADHEAT_TIMEZONE=Mars/Olympus is no time zone"):
        zone_of({"LEADHEAT_TIMEZONE": "Mars/Olympus"})


@pytest.mark.parametrize(
    ("micros", "english", "german"),
    [(0, "1 minute", "1 Minute"), (90 * MINUTE, "1 hour", "1 Stunde"), (5 * HOUR, "5 hours", "5 Stunden"), (3 * DAY, "3 days", "3 Tage")],
)
def test_spans_are_told_in_one_unit_with_its_plural(micros: int, english: str, german: str) -> None:
    assert ENGLISH.span(micros) == english
    assert GERMAN.span(micros) == german


@pytest.mark.parametrize(
    ("header", "code"),
    [
        ("", "en"),
        ("de-CH, en;q=0.9", "de"),
        ("fr, de;q=0.5, en;q=0.8", "en"),
        ("en;q=0, de;q=0.1", "de"),
        ("fr;q=x", "en"),
        ("de;q=", "en"),
        ("*", "en"),
        (",;,;q=1" * 1000, "en"),
    ],
)
def test_the_browser_says_which_language(header: str, code: str) -> None:
    assert preferred(header) == code


def test_what_scores_say_is_said_in_german(world: SmallWorld) -> None:
    said, known = set(), world.scorer.features
    own = {f"lead.{name}" for name in (*known.lead_levels, *known.lead_numeric)} | {*known.numeric, *known.levels}
    for number in range(0, 400, 7):
        score = world.scorer.score(world.alone(number), world.now)
        said |= {one.words for one in score.reasons if one.signal not in own}
        said |= {one.words for one in score.baseline.reasons if one.signal not in own}
        said |= {score.next_step.words, score.next_step.rule, score.contactable.why}
    assert len(said) > 100
    assert {one for one in said if GERMAN.phrase(one) == one} == set()
    translated = " ".join(map(GERMAN.phrase, said))
    assert not re.search(r"\b(ago|times|once|last|latest|first|they|we|yet|hour|days)\b", translated), translated


def test_every_default_step_is_said_in_german() -> None:
    said = [text for row in DEFAULT_STEPS for text in (row.words, row.rule)]
    assert {one for one in said if GERMAN.phrase(one) == one} == set()


def test_an_opt_out_is_told_with_its_day() -> None:
    assert GERMAN.phrase("opted out by unsubscribe on 2026-11-03") == "hat sich am 3. Nov. 2026 abgemeldet (unsubscribe)"


def test_it_is_said_how_many_of_those_who_wait_are_late() -> None:
    def told(t: Language, late: int, waiting: int) -> str:
        return lede_of(t, [Due("", "", "", place < late) for place in range(waiting)]).partition(".")[0]

    assert told(ENGLISH, 1, 1) == "1 lead waits for an answer, and it is late"
    assert told(ENGLISH, 1, 2) == "2 leads wait for an answer, 1 of them is late"
    assert told(ENGLISH, 2, 3) == "3 leads wait for an answer, 2 of them are late"
    assert told(ENGLISH, 2, 2) == "2 leads wait for an answer, and all are late"
    assert told(GERMAN, 1, 2) == "2 Leads warten auf eine Antwort, 1 davon ist überfällig"
    assert told(GERMAN, 2, 2) == "2 Leads warten auf eine Antwort, und alle sind überfällig"
    assert told(GERMAN, 0, 1) == "1 Lead wartet auf eine Antwort"


def test_a_value_is_written_with_the_language_s_marks() -> None:
    assert GERMAN.phrase("duration minutes: 4.2") == "duration minutes: 4,2"
    assert GERMAN.phrase("change: -0.25") == "change: \N{MINUS SIGN}0,25"
    assert ENGLISH.phrase("duration minutes: 4.2") == "duration minutes: 4.2"
    assert GERMAN.phrase("version: 1.2.3") == "version: 1.2.3"
    assert [value(GERMAN, one) for one in (40, 4.2, 26.404, 0.25, 1234.5, True, "4.2")] == [
        "40",
        "4,2",
        "26,4",
        "0,25",
        "1.234,5",
        "ja",
        "4.2",
    ]


def test_a_rule_that_a_person_led_to_is_said_in_german() -> None:
    assert GERMAN.phrase("belongs to sales; a person decided so") == "gehört zum Vertrieb; so hat ein Mensch entschieden"
    assert GERMAN.phrase("our own rule; a person decided so") == "our own rule; so hat ein Mensch entschieden"


def test_a_data_set_s_own_words_stay_as_they_are() -> None:
    assert ENGLISH.phrase("asked for a demo 2 times, last 5 hours ago") == "asked for a demo 2 times, last 5 hours ago"
    assert GERMAN.phrase("asked for a demo 2 times, last 5 hours ago") == "asked for a demo, 2-mal, zuletzt vor 5 Stunden"
    assert GERMAN.phrase("fragte nach {a} Demo") == "fragte nach {a} Demo"


def test_elements_among_the_words_are_kept_and_text_is_escaped() -> None:
    class Elements(Language):
        def _text(self, key: str, values: dict[str, Any]) -> str:
            return f"{key} {{a}}"

    assert Elements("en").html("x", a="<b>") == "x &lt;b&gt;"
