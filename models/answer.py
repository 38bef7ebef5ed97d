"""From a scorer's numbers to Scores: of one lead, or of several at once, which costs little more."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import numpy.typing as npt

from features.catalogue import OTHER
from features.compute import compute
from features.contract import DAY, NEVER, UNKNOWN_TIME, from_micros, iso
from features.history import History
from models.consent import told_why
from models.exploration import explored
from models.next_steps import Stage
from models.qualification import AGREEMENT, Qualification, agreement
from models.score import Baseline, Contact, HandOver, ModelName, RulePoints, Score, Step, Trend
from models.temperature import NAMES

if TYPE_CHECKING:
    from models.scorer import Floats, Integers, LeadScorer, Matrix, Scored

TREND_OVER = 7 * DAY
STEADY = 0.25
"""Log-odds that may change within ``TREND_OVER`` before a lead counts as heating or cooling."""
STEADY_POINTS = 5.0
"""The same for the rules' points, where they score alone."""
LOOKS = (np.arange(1, 11), np.arange(11, 21), np.arange(21, 31), np.arange(31, 91))
"""Days ahead on which a lead may cool, looked at group by group: most leads cool within the first."""

_TURNS: tuple[Trend, ...] = ("steady", "heating", "cooling")
"""By 0, 1 and -1."""


class Answer(NamedTuple):
    """A score, the feature row, float32[F], that it rests on, and where the lead would stand if a person decided otherwise.

    ``qualify`` takes a temperature (0 cold, 1 warm, 2 hot) and the stage that a person decided on, or None.
    """

    score: Score
    features: Matrix
    qualify: Callable[[int, Stage | None], Qualification]


def answers(
    scorer: LeadScorer, history: History, as_of: Integers, previous: npt.ArrayLike | None = None, *, explain: npt.ArrayLike = True
) -> list[Answer]:
    """Score the L leads of a history; several at once cost little more than one.

    Args:
        scorer: the model.
        history: with its ``schema``.
        as_of: int64[L], microseconds UTC.
        previous: the temperatures before, int8[L], -1 where there was none.
        explain: which leads get reasons and projection, bool[L], or one for all.
    """
    count, leads = len(history), np.arange(len(history))
    both = compute(scorer.features, history, np.concatenate((leads, leads)), np.concatenate((as_of, as_of - TREND_OVER)))
    now = scorer.numbers_of(both[:count], previous=previous)
    scores = _scores(scorer, history, as_of, now, scorer.strength(both[count:]))
    explained = np.flatnonzero(np.full(count, explain))
    if len(explained):
        _explain(scorer, history, as_of, now, explained, scores)
    return [Answer(score, now.X[row], _qualify(scorer, now, row)) for row, score in enumerate(scores)]


def standing(qualification: Qualification) -> dict[str, Any]:
    """The fields that say where the lead stands, and that a person may decide otherwise: whether it may be contacted is none of them."""
    return {
        "stage": qualification.stage,
        "funnel": qualification.funnel,
        "hand_over": HandOver(*qualification.hand_over),
        "next_step": Step(*qualification.next_step),
        "respond_within_minutes": qualification.respond_within_minutes,
    }


def _qualify(scorer: LeadScorer, now: Scored, row: int) -> Callable[[int, Stage | None], Qualification]:
    def qualify(temperature: int, decided: Stage | None) -> Qualification:
        return scorer.qualifier.qualify(now.X[row], temperature, float(now.probability[row]), float(now.score[row]), decided)

    return qualify


def _scores(scorer: LeadScorer, history: History, as_of: Integers, now: Scored, then: Floats) -> list[Score]:
    """The scores without what explains them; ``then`` is the strength at the moments that the trends compare with."""
    count, modelled = len(history), scorer.margin is not None
    numbers = (now.probability, now.score, now.log_odds)
    probability, score, log_odds = (one.tolist() if modelled else [None] * count for one in numbers)
    moments, temperature = as_of.tolist(), now.temperature.tolist()
    points, by_rules = now.points.tolist(), now.rules_temperature.tolist()
    agreeing = agreement(now.temperature, now.rules_temperature).tolist()
    trends, flags = _trends(scorer, history, as_of, now, then), _flags(scorer, history, as_of, now)
    qualifications = scorer.qualifier.qualify_each(now.X, now.temperature, now.probability, now.score)
    without_consent = history.without_consent(np.arange(count), as_of).tolist()
    unknown = (modelled and history.unknown) or ((),) * count
    model = ModelName("leadheat" if modelled else "rules", scorer.version, scorer.fingerprint)
    return [
        Score(
            lead_id=history.id_texts[i],
            as_of=iso(moments[i]),
            probability=probability[i],
            horizon_days=scorer.horizon / DAY,
            score=score[i],
            temperature=NAMES[temperature[i]],
            trend=trends[i],
            cools_on=None,
            reasons=[],
            base=None,
            log_odds=log_odds[i],
            baseline=Baseline(points[i], NAMES[by_rules[i]], []),
            agreement=AGREEMENT[agreeing[i]] if modelled else None,
            contactable=_contact(scorer, history, i, moments[i], qualification),
            interactions_without_consent=without_consent[i],
            unknown_attributes=list(unknown[i]),
            flags=flags[i],
            model=model,
            overridden=[],
            **standing(qualification),
        )
        for i, qualification in enumerate(qualifications)
    ]


def _contact(scorer: LeadScorer, history: History, lead: int, as_of: int, qualification: Qualification) -> Contact:
    allowed, why = qualification.contactable
    return Contact(allowed, told_why(why, scorer.features, history, lead, as_of))


def _explain(scorer: LeadScorer, history: History, as_of: Integers, now: Scored, rows: Integers, scores: list[Score]) -> None:
    """Complete some of the scores."""
    sums, base = scorer.contributions(now, rows)
    parts = scorer.rules.contributions(now.X[rows])
    cools_on = _cools_on(scorer, history, as_of, now.temperature, rows)
    for place, row in enumerate(rows.tolist()):
        one, x = scores[row], now.X[row]
        one.cools_on = cools_on[place]
        one.baseline.reasons = [RulePoints(part.signal, part.words, part.points) for part in scorer.rules.reasons(x, parts[place])]
        if scorer.margin is not None:
            one.reasons, one.base = scorer.explainer.reasons(x, sums[place]), float(base[place])


def _trends(scorer: LeadScorer, history: History, as_of: Integers, now: Scored, then: Floats) -> list[Trend]:
    first = np.where(history.created_at == UNKNOWN_TIME, NEVER, history.created_at)
    start, end = history.start[:-1], history.start[1:]
    active = end > start
    first[active] = np.minimum(first[active], history.occurred_at[start[active]])
    strength, steady = (now.points, STEADY_POINTS) if scorer.margin is None else (now.log_odds, STEADY)
    change = strength - then
    turns = np.where(np.abs(change) > steady, np.sign(change), 0.0).astype(np.int64)
    return ["new" if new else _TURNS[turn] for new, turn in zip((first >= as_of - TREND_OVER).tolist(), turns.tolist(), strict=True)]


def _cools_on(scorer: LeadScorer, history: History, as_of: Integers, temperature: npt.NDArray[np.int8], rows: Integers) -> list[str | None]:
    """The day on which each lead leaves its band downwards, were nothing to happen from now on: found by moving ``as_of``."""
    found: dict[int, str] = {}
    known, staying = history.known_before(as_of), rows[temperature[rows] > 0]
    for days in LOOKS:
        if len(staying):
            moments, band = as_of[staying, None] + DAY * days, np.repeat(temperature[staying], len(days))
            later = scorer.numbers(known, np.repeat(staying, len(days)), moments.ravel(), previous=band)
            cooler = (later.temperature < band).reshape(moments.shape)
            left, day = cooler.any(axis=1), cooler.argmax(axis=1)
            for lead, moment in zip(staying[left].tolist(), moments[left, day[left]].tolist(), strict=True):
                found[lead] = from_micros(moment).date().isoformat()
            staying = staying[~left]
    return [found.get(row) for row in rows.tolist()]


def _flags(scorer: LeadScorer, history: History, as_of: Integers, now: Scored) -> list[list[str]]:
    find, created = scorer.features.column, history.created_at
    raised = {
        "no_model": np.full(len(history), scorer.margin is None),
        "no_history": now.X[:, find("count(all, ever)")] == 0,
        "unknown_types": now.X[:, find(f"count({OTHER}, ever)")] > 0,
        "created_at_unknown": created == UNKNOWN_TIME,
        "created_later": created >= as_of,
        "explored": explored(scorer.settings.exploration, lambda: history.id_texts, as_of, now.temperature),
    }
    rows = zip(*(up.tolist() for up in raised.values()), strict=True)
    return [[flag for flag, up in zip(raised, row, strict=True) if up] for row in rows]
