"""From a scorer's numbers to the Score of one lead."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from features.catalogue import OTHER
from features.contract import DAY, UNKNOWN_TIME, from_micros
from features.history import History
from models.exploration import explored
from models.next_steps import Stage
from models.qualification import AGREEMENT, Qualification, agreement
from models.reasons import Reason
from models.score import Baseline, Contact, HandOver, ModelName, RulePoints, Score, Step, Trend
from models.temperature import NAMES, Temperature

if TYPE_CHECKING:
    from models.scorer import LeadScorer, Matrix, Scored

TREND_OVER = 7 * DAY
STEADY = 0.25
"""Log-odds that may change within ``TREND_OVER`` before a lead counts as heating or cooling."""
STEADY_POINTS = 5.0
"""The same for the rules' points, where they score alone."""
PROJECTED_DAYS = 90

_ONE = np.zeros(1, np.int64)


class Answer(NamedTuple):
    """A score, the feature row, float32[F], that it rests on, and where the lead would stand if a person decided otherwise.

    ``qualify`` takes a temperature (0 cold, 1 warm, 2 hot) and the stage that a person decided on, or None.
    """

    score: Score
    features: Matrix
    qualify: Callable[[int, Stage | None], Qualification]


def answer(scorer: LeadScorer, history: History, as_of: int, previous: Temperature | None = None, *, explain: bool = True) -> Answer:
    """Score the first lead of a history; arguments as of ``LeadScorer.score``."""
    before = None if previous is None else [NAMES.index(previous), -1]
    scored = scorer.numbers(history, np.zeros(2, np.int64), np.array([as_of, as_of - TREND_OVER]), previous=before)
    x, temperature = scored.X[0], int(scored.temperature[0])
    reasons, base = _reasons(scorer, scored) if explain else ([], None)
    rule_reasons = [RulePoints(one.signal, one.words, one.points) for one in scorer.rules.reasons(x)] if explain else []
    modelled = scorer.margin is not None

    def qualify(temperature: int, decided: Stage | None) -> Qualification:
        return scorer.qualifier.qualify(x, temperature, float(scored.probability[0]), float(scored.score[0]), decided)

    score = Score(
        lead_id=history.lead_ids[0].as_py(),
        as_of=from_micros(as_of).isoformat(timespec="microseconds"),
        probability=float(scored.probability[0]) if modelled else None,
        horizon_days=scorer.horizon / DAY,
        score=float(scored.score[0]) if modelled else None,
        temperature=NAMES[temperature],
        trend=_trend(scorer, history, as_of, scored),
        cools_on=_cools_on(scorer, history, as_of, temperature) if explain else None,
        reasons=reasons,
        base=base,
        log_odds=float(scored.log_odds[0]) if modelled else None,
        baseline=Baseline(float(scored.points[0]), NAMES[int(scored.rules_temperature[0])], rule_reasons),
        agreement=AGREEMENT[int(agreement(scored.temperature[:1], scored.rules_temperature[:1])[0])] if modelled else None,
        interactions_without_consent=int(history.without_consent(_ONE, np.array([as_of]))[0]),
        flags=_flags(scorer, history, as_of, scored),
        model=ModelName("leadheat" if modelled else "rules", scorer.version, scorer.fingerprint),
        overridden=[],
        **standing(qualify(temperature, None)),
    )
    return Answer(score, x, qualify)


def standing(qualification: Qualification) -> dict[str, Any]:
    """The fields that say where the lead stands."""
    return {
        "stage": qualification.stage,
        "funnel": qualification.funnel,
        "hand_over": HandOver(*qualification.hand_over),
        "next_step": Step(*qualification.next_step),
        "respond_within_minutes": qualification.respond_within_minutes,
        "contactable": Contact(*qualification.contactable),
    }


def _reasons(scorer: LeadScorer, scored: Scored) -> tuple[list[Reason], float | None]:
    if scorer.margin is None:
        return [], None
    sums, base = scorer.contributions(scored, _ONE)
    return scorer.explainer.reasons(scored.X[0], sums[0]), float(base[0])


def _trend(scorer: LeadScorer, history: History, as_of: int, scored: Scored) -> Trend:
    known = [int(history.created_at[0])] if history.created_at[0] != UNKNOWN_TIME else []
    known += [int(history.occurred_at[0])] if len(history.occurred_at) else []
    if min(known, default=as_of) >= as_of - TREND_OVER:
        return "new"
    numbers, steady = (scored.points, STEADY_POINTS) if scorer.margin is None else (scored.log_odds, STEADY)
    change = float(numbers[0] - numbers[1])
    return "heating" if change > steady else "cooling" if change < -steady else "steady"


def _cools_on(scorer: LeadScorer, history: History, as_of: int, temperature: int) -> str | None:
    """The day on which the lead leaves its band downwards, were nothing to happen from now on: found by moving ``as_of``."""
    if temperature == 0:
        return None
    days = as_of + DAY * np.arange(1, PROJECTED_DAYS + 1)
    later = scorer.numbers(history.known_before(as_of), np.zeros(len(days), np.int64), days, previous=np.full(len(days), temperature))
    cooler = np.flatnonzero(later.temperature < temperature)
    return from_micros(int(days[cooler[0]])).date().isoformat() if len(cooler) else None


def _flags(scorer: LeadScorer, history: History, as_of: int, scored: Scored) -> list[str]:
    x, created = scored.X[0], int(history.created_at[0])
    flags = {
        "no_model": scorer.margin is None,
        "no_history": x[scorer.features.column("count(all, ever)")] == 0,
        "unknown_types": x[scorer.features.column(f"count({OTHER}, ever)")] > 0,
        "created_at_unknown": created == UNKNOWN_TIME,
        "created_later": created >= as_of,
        "explored": explored(scorer.settings.exploration, history.lead_ids.slice(0, 1), [as_of], scored.temperature[:1])[0],
    }
    return [flag for flag, raised in flags.items() if raised]
