"""What the bands promised on the calibration part, held against what the test part shows.

Two things are proved: of every band, that its rate is the one that was stated; and of the policy, that it does what it is for: a lift, so
many leads a day, a rate, or contacts that pay.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any, Literal

import numpy as np

from models.intervals import TWO_SIDED_95, effective_rows, wilson
from models.policies import NEVER_REACHED, WARM_PER_HOT
from models.temperature import NAMES, Band, Bands, TemperatureSettings
from training.unseen import Unseen

Verdict = Literal["kept", "missed by chance", "broken", "not seen"]
Place = Literal["inside", "outside by chance", "above", "below", "not seen"]
Interval = tuple[float, float, float]


@dataclass(frozen=True, slots=True)
class Proof:
    """One band in the test part: ``rate`` with its 95 % interval by lead, beside the ``stated`` one of the calibration part.

    ``place`` is where the rate lies: inside the stated interval; outside of it, but no more than chance explains (the 95 % interval of the
    difference of the two rates holds 0); or really above or below.
    """

    name: str
    share: float
    rate: float | None
    rate_low: float | None
    rate_high: float | None
    stated: float | None
    stated_low: float | None
    stated_high: float | None
    place: Place


@dataclass(frozen=True, slots=True)
class Promise:
    """What the policy promised of one band: ``figure``, at least (or ``at_most``) ``promised``.

    ``actual`` is what the test part shows, with its 95 % interval by lead; it is broken only where the whole interval is on the wrong side.
    """

    name: str
    figure: str
    promised: float
    at_most: bool
    actual: float | None
    low: float | None
    high: float | None
    verdict: Verdict


@dataclass(frozen=True)
class Proved:
    """The bands and the policy's promises, proved on a test part."""

    bands: tuple[Proof, ...]
    promises: tuple[Promise, ...]

    @property
    def kept(self) -> bool:
        """Whether no promise is broken."""
        return all(promise.verdict != "broken" for promise in self.promises)

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready values; ``notes`` say in words what does not hold."""
        return {"kept": self.kept, "notes": [*told(self)], **asdict(self)}


def prove(settings: TemperatureSettings, bands: Bands, test: Unseen) -> Proved:
    """Hold bands, and the policy they follow, against the test part."""
    actual = bands.observed(test.probability, test.label, test.lead)
    temperature = bands.of(test.probability)
    promises = [
        _promise(settings, bands, test, level, np.flatnonzero(temperature == level))
        for level in (2, 1)
        if bands.thresholds[level - 1] < NEVER_REACHED and bands.base_rate > 0
    ]
    return Proved(tuple(map(_proof, bands.bands, actual)), tuple(promises))


def _proof(stated: Band, actual: Band) -> Proof:
    return Proof(
        actual.name,
        actual.share,
        actual.rate,
        actual.rate_low,
        actual.rate_high,
        stated.rate,
        stated.rate_low,
        stated.rate_high,
        _place(stated, actual),
    )


def _place(stated: Band, actual: Band) -> Place:
    """Where the actual rate lies; the interval of a difference of two rates is Newcombe's (1998, method 10)."""
    if stated.rate is None or stated.rate_low is None or stated.rate_high is None:
        return "not seen"
    if actual.rate is None or actual.rate_low is None or actual.rate_high is None:
        return "not seen"
    if stated.rate_low <= actual.rate <= stated.rate_high:
        return "inside"
    above = actual.rate > stated.rate
    ends = (actual.rate_low, stated.rate_high) if above else (actual.rate_high, stated.rate_low)
    if abs(actual.rate - stated.rate) <= math.hypot(actual.rate - ends[0], stated.rate - ends[1]):
        return "outside by chance"
    return "above" if above else "below"


def _promise(settings: TemperatureSettings, bands: Bands, test: Unseen, level: int, rows: np.ndarray) -> Promise:
    if settings.policy == "capacity":
        return _capacity(settings, bands, test, level)
    figure, promised = _figure(settings, bands, level)
    if not len(rows):
        interval = None
    elif settings.policy == "lift":
        interval = _lift(test, rows)
    else:
        interval = _rate(test, rows) if settings.policy == "precision" else _profit(settings, level, _rate(test, rows))
    return _judged(level, figure, promised, interval)


def _figure(settings: TemperatureSettings, bands: Bands, level: int) -> tuple[str, float]:
    """What is promised of a band, in words, and how much of it."""
    if settings.policy == "lift":
        return "times the base rate", bands.thresholds[level - 1] / bands.base_rate
    if settings.policy == "precision":
        return "share won", settings.warm_and_hot[level - 1]
    return "gain per contact" if level == 2 else "gain per nurtured lead", 0.0


def _profit(settings: TemperatureSettings, level: int, rate: Interval) -> Interval:
    contact, win = settings.contact_cost or 0.0, settings.win_value or 0.0
    cost = contact if level == 2 else settings.nurture_cost or contact / 2
    actual, low, high = (one * win - cost for one in rate)
    return actual, low, high


def _judged(level: int, figure: str, promised: float, interval: Interval | None, *, at_most: bool = False) -> Promise:
    if interval is None:
        return Promise(NAMES[level], figure, promised, at_most, None, None, None, "not seen")
    actual, low, high = interval
    kept, nearly = (actual <= promised, low <= promised) if at_most else (actual >= promised, high >= promised)
    verdict: Verdict = "kept" if kept else "missed by chance" if nearly else "broken"
    return Promise(NAMES[level], figure, promised, at_most, actual, low, high, verdict)


def _rate(test: Unseen, rows: np.ndarray) -> Interval:
    rate = float(test.label[rows].mean())
    low, high = wilson(rate, effective_rows(test.label[rows], test.lead[rows])[-1])
    return rate, float(low), float(high)


def _lift(test: Unseen, rows: np.ndarray) -> Interval | None:
    """The band's rate over that of all rows. The logarithm of this ratio is normal by linearisation over leads (Woodruff 1971)."""
    base = float(test.label.mean())
    rate, low, high = _rate(test, rows)
    if base == 0:
        return None
    if rate == 0:
        return 0.0, low / base, high / base
    leads = int(test.lead.max()) + 1
    everybody, mine = np.bincount(test.lead, minlength=leads), np.bincount(test.lead[rows], minlength=leads)
    won, mine_won = np.bincount(test.lead, test.label, leads), np.bincount(test.lead[rows], test.label[rows], leads)
    influence = mine_won / mine_won.sum() - mine / mine.sum() - won / won.sum() + everybody / everybody.sum()
    spread = math.exp(TWO_SIDED_95 * math.sqrt(float((influence**2).sum()) * leads / max(leads - 1, 1)))
    return rate / base, rate / base / spread, rate / base * spread


def _capacity(settings: TemperatureSettings, bands: Bands, test: Unseen, level: int) -> Promise:
    """So many leads a day, or such a share, each lead counted once a day. The interval of a number takes leads as arriving by chance."""
    daily = test.daily()
    mine = daily.take(bands.of(daily.probability) == level)
    per_day, share = _places(settings, level)
    if share is not None:
        return _judged(level, "share of leads", share, _share(daily, bands.of(daily.probability) == level), at_most=True)
    number = len(mine) / max(test.days, 1)
    spread = TWO_SIDED_95 * math.sqrt(float((np.bincount(mine.lead) ** 2).sum())) / max(test.days, 1)
    return _judged(level, "leads a day", per_day, (number, max(number - spread, 0.0), number + spread), at_most=True)


def _places(settings: TemperatureSettings, level: int) -> tuple[float, float | None]:
    """How many leads a day, or which share of them, may be in a band."""
    if level == 2:
        return settings.hot_per_day or 0.0, settings.hot_share
    if settings.warm_per_day or settings.warm_share:
        return settings.warm_per_day or 0.0, settings.warm_share
    return WARM_PER_HOT * (settings.hot_per_day or 0.0), settings.hot_share and WARM_PER_HOT * settings.hot_share


def _share(daily: Unseen, mine: np.ndarray) -> Interval:
    share = float(mine.mean())
    low, high = wilson(share, effective_rows(mine.astype(np.int64), daily.lead)[-1])
    return share, float(low), float(high)


def told(proved: Proved) -> Iterator[str]:
    """What does not hold, in words."""
    for band in proved.bands:
        if band.place in ("above", "below"):
            stated = f"the {band.stated_low:.1%}-{band.stated_high:.1%} that its calibration part showed"
            yield f"{band.name}: {band.rate:.1%} were won in the test part, {band.place} {stated} by more than chance."
    for promise in proved.promises:
        if promise.verdict == "broken":
            limit = "at most" if promise.at_most else "at least"
            interval = f"{promise.actual:.3g} ({promise.low:.3g}-{promise.high:.3g})"
            yield f"{promise.name}: {limit} {promise.promised:.3g} {promise.figure} was promised; the test part shows {interval}."
