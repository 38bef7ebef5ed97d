"""English and German: words, plural forms, numbers, dates, and the phrases in which scores speak."""

from __future__ import annotations

import os
import re
import tomllib
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta, tzinfo
from functools import cache, cached_property
from pathlib import Path
from typing import Any, Literal, get_args
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from markupsafe import Markup

from features.contract import DAY, HOUR, MINUTE, SettingsError, from_micros, to_micros

Code = Literal["en", "de"]
CODES: tuple[Code, ...] = get_args(Code)
NARROW = "\N{NARROW NO-BREAK SPACE}"
MINUS = "\N{MINUS SIGN}"

_NUMERIC = {"n", "k", "m"}
"""Placeholders of phrases that stand for a number."""
_DAY = "date"
"""The one that stands for a day, which is told as the language tells days."""
_FRACTION = "fraction"
"""The one that stands for a number with a fraction, whose mark is the language's."""
_NESTED = {"ago": r"less than an hour ago|\d+ (?:hours?|days?|months?) ago", "times": r"once, .+|\d+ times, .+", "rule": ".+"}
"""Those that stand for another phrase, and what that looks like; all others stand for any words."""


def zone_of(environment: Mapping[str, str]) -> tzinfo:
    """The zone in which the page tells times: ``LEADHEAT_TIMEZONE``, UTC by default.

    Raises:
        SettingsError: this machine knows no such zone.
    """
    name = environment.get("LEADHEAT_TIMEZONE") or "UTC"
    if name == "UTC":
        return UTC
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise SettingsError(f"LEADHEAT_TIMEZONE={name} is no time zone.", "Name one such as Europe/Berlin.") from error


class Phrase:
    """A sentence of the scorer's with places for what varies, and its translation.

    Args:
        english: with the places as ``{name}``.
        translated: with the same ones.
    """

    def __init__(self, english: str, translated: str) -> None:
        parts = re.split(r"{(\w+)}", english)
        pattern = [re.escape(part) if i % 2 == 0 else f"(?P<{part}>{_fitting(part)})" for i, part in enumerate(parts)]
        self._pattern = re.compile("".join(pattern), re.DOTALL)
        self._translated = translated

    def translate(self, text: str, language: Language) -> str | None:
        """The translation of a text that is this sentence, else None."""
        found = self._pattern.fullmatch(text)
        if found is None:
            return None
        return self._translated.format(**{name: _translated(name, part, language) for name, part in found.groupdict().items()})


def _translated(name: str, part: str, language: Language) -> str:
    if name == _DAY:
        return language.date(part)
    if name == _FRACTION:
        return language.number(float(part), len(part.partition(".")[2]))
    return language.phrase(part) if name in _NESTED else part


def _fitting(name: str) -> str:
    if name == _DAY:
        return r"\d{4}-\d{2}-\d{2}"
    if name == _FRACTION:
        return r"-?\d+\.\d+"
    return r"\d+" if name in _NUMERIC else _NESTED.get(name, ".+")


class Language:
    """One language in one time zone.

    Args:
        code: of the language.
        zone: in which times are told.
    """

    def __init__(self, code: Code, zone: tzinfo = UTC) -> None:
        self.code = code
        self.zone = zone
        catalogue = _catalogue()
        self._words = {f"{part}.{key}": texts[code] for part, keys in catalogue["words"].items() for key, texts in keys.items()}

    @cached_property
    def _phrases(self) -> list[Phrase]:
        return [Phrase(one["en"], one[self.code]) for one in self._translated if "{" in one["en"]]

    @cached_property
    def _sentences(self) -> dict[str, str]:
        """Phrases without a place for anything: most of what is said."""
        return {one["en"]: one[self.code] for one in self._translated if "{" not in one["en"]}

    @property
    def _translated(self) -> list[dict[str, str]]:
        return [] if self.code == "en" else _catalogue()["phrases"]

    def __call__(self, key: str, /, **values: Any) -> str:
        """The words of a key, with values in their places; ``n`` chooses between singular and plural."""
        text = self._text(key, values)
        return text.format(**values) if values else text

    def html(self, key: str, /, **values: Any) -> Markup:
        """The same where values may be elements: plain text among them is escaped."""
        return Markup(self._text(key, values)).format(**values)  # noqa: S704 - the catalogue is ours

    def _text(self, key: str, values: dict[str, Any]) -> str:
        text = self._words[key]
        if "n" in values:
            count = values["n"]
            text = text if isinstance(text, str) else text[0 if count == 1 else 1]
            values["n"] = self.number(count)
        return str(text)

    def has(self, key: str) -> bool:
        """Whether there are words for a key."""
        return key in self._words

    def phrase(self, text: str) -> str:
        """What a score says, in this language where it is a phrase of leadheat's own; a data set's own words stay as they are."""
        if text in self._sentences:
            return self._sentences[text]
        for phrase in self._phrases:
            translated = phrase.translate(text, self)
            if translated is not None:
                return translated
        return text

    def number(self, value: float, digits: int = 0) -> str:
        """A number with the language's marks: ``1,234.5`` or ``1.234,5``."""
        text = f"{abs(value):,.{digits}f}"
        sign = MINUS if value < 0 and text.strip("0,.") else ""
        return sign + (text if self.code == "en" else text.translate({ord(","): ".", ord("."): ","}))

    def signed(self, value: float, digits: int = 1) -> str:
        """A number with its sign, plus too."""
        text = self.number(value, digits)
        return text if text.startswith(MINUS) else f"+{text}"

    def percent(self, share: float) -> str:
        """A share with as many digits as help: ``41%``, ``4.1%``, ``< 0.1%``."""
        per_cent = 100 * share
        if 0 < per_cent < 0.1:
            return f"<{NARROW}{self._percent(0.1, 1)}"
        if 99.5 <= per_cent < 100:
            return f">{NARROW}{self._percent(99, 0)}"
        return self._percent(per_cent, 1 if 0 < per_cent < 9.95 else 0)

    def _percent(self, value: float, digits: int) -> str:
        return self.number(value, digits) + ("%" if self.code == "en" else f"{NARROW}%")

    def iso_day(self, micros: int) -> str:
        """The day of a moment in the zone, as forms write it: 2026-01-31."""
        return self.local(micros).date().isoformat()

    def local(self, micros: int) -> datetime:
        """A moment on the clock of the zone."""
        return from_micros(micros).astimezone(self.zone)

    def midnight(self, day: str, after: int = 0) -> int | None:
        """When a day such as 2026-01-31 begins, or one so many days after it, microseconds UTC; None where it is no day."""
        try:
            return to_micros(datetime.strptime(day, "%Y-%m-%d").replace(tzinfo=self.zone) + timedelta(days=after))
        except (ValueError, OverflowError):
            return None

    def date(self, moment: datetime | str, *, year: bool = True) -> str:
        """A day: ``24 Nov 2026``, ``24. Nov. 2026``; also from ISO 8601."""
        day = datetime.fromisoformat(moment) if isinstance(moment, str) else moment
        month = self("time.months").split()[day.month - 1]
        text = f"{day.day}{'' if self.code == 'en' else '.'} {month}"
        return f"{text} {day.year}" if year else text

    def weekday(self, moment: datetime) -> str:
        """``Tuesday``."""
        return self("time.weekdays").split()[moment.weekday()]

    def time(self, moment: datetime) -> str:
        """``09:41``."""
        return f"{moment:%H:%M}"

    def day(self, moment: datetime, now: datetime) -> str:
        """A day as people name it: today, yesterday, tomorrow, else its date, with the year where it is another one."""
        away = (moment.date() - now.date()).days
        names = {-1: "time.yesterday", 0: "time.today", 1: "time.tomorrow"}
        return self(names[away]) if away in names else self.date(moment, year=moment.year != now.year)

    def moment(self, micros: int) -> str:
        """A day and a time: ``24 Nov 2026, 09:41``."""
        local = self.local(micros)
        return f"{self.date(local)}, {self.time(local)}"

    def span(self, micros: int) -> str:
        """How long, in the one unit that fits: ``12 minutes``, ``3 hours``, ``5 days``."""
        size, name = next(((size, name) for size, name in ((DAY, "days"), (HOUR, "hours")) if micros >= size), (MINUTE, "minutes"))
        return self(f"time.{name}", n=max(1, micros // size))


def _catalogue() -> dict[str, Any]:
    return _read(Path(__file__).with_name("words.toml"))


@cache
def _read(file: Path) -> dict[str, Any]:
    content = tomllib.loads(file.read_text(encoding="utf-8"))
    return {"phrases": content.pop("phrases"), "words": content}


@cache
def language(code: Code) -> Language:
    """The language of a code, in the zone of this service."""
    return Language(code, ZONE)


def preferred(accept: str) -> Code:
    """The language that an ``Accept-Language`` header likes best among those there are; English where it likes none."""
    best: tuple[float, Code] = (0.0, "en")
    for part in accept.split(",")[:20]:
        tag, _, rest = part.strip().partition(";")
        code = next((one for one in CODES if tag.lower().partition("-")[0] == one), None)
        quality = _quality(rest)
        if code is not None and quality > best[0]:
            best = quality, code
    return best[1]


def _quality(text: str) -> float:
    found = re.fullmatch(r"\s*q\s*=\s*([01](?:\.\d{0,3})?)\s*", text)
    return float(found[1]) if found else 1.0 if not text.strip() else 0.0


ZONE = zone_of(os.environ)
"""The zone of this service."""
