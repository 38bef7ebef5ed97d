"""What sales get out of it day by day: the wins among the leads that are worked, and how calm the temperatures are."""

from __future__ import annotations

from training.decision import Capacity, Wins
from training.plots.calm import calm as plot_calm
from training.plots.decision import decision as plot_decision
from training.report import words
from training.report.evidence import Evidence
from training.report.exhibit import Exhibit
from training.report.words import Table, number
from training.stability import Stability

_STANDING = {"better": "more", "tie": "a tie", "worse": "fewer"}


def worth(evidence: Evidence) -> Exhibit:
    """What the order is worth to sales who work so many leads a day."""
    capacities = evidence.examined.decision
    chosen = _typical(capacities)
    columns = ("leads a day", "worked", "model", "expected", "rules", "random", "model minus rules", "verdict")
    return Exhibit(
        "worth",
        "What is the order worth to sales?",
        f"Who works {chosen.per_day:g} leads a day for {chosen.days} days meets {chosen.model.wins:,.0f} of the {chosen.possible:,} wins "
        f"in the model's order, {chosen.rules.wins:,.0f} in the rules' ({_STANDING[chosen.difference.verdict]}), "
        f"and {chosen.random.wins:,.0f} at random.",
        "A lead that was worked is left alone until its horizon is over. It is not said that leads are won because they are worked.",
        plot_decision(capacities),
        (Table(f"Wins among the leads that are worked, of {chosen.possible:,}", columns, tuple(map(_capacity, capacities))),),
    )


def _typical(capacities: list[Capacity]) -> Capacity:
    """The capacity at which the model's order meets about half of the wins."""
    return min(capacities, key=lambda one: (abs(one.model.wins - one.possible / 2), one.per_day))


def _capacity(one: Capacity) -> tuple[str, ...]:
    apart = words.difference(one.difference, 0)
    return (
        f"{one.per_day:g}",
        f"{one.model.worked:,.0f}",
        _wins(one.model),
        f"{one.expected:,.0f}",
        _wins(one.rules),
        _wins(one.random),
        apart,
        one.difference.verdict,
    )


def _wins(wins: Wins) -> str:
    return f"{wins.wins:,.0f} ({wins.low:,.0f} to {wins.high:,.0f})"


def calm(evidence: Evidence) -> Exhibit:
    """Whether scores jump and temperatures flicker."""
    both = evidence.examined.stability
    model, rules = both["model"], both["rules"]
    columns = ("", "steps", "mean change", "lead weeks", "band changes", "per lead and week")
    return Exhibit(
        "calm",
        "Does it flicker?",
        f"From one interaction of a lead to the next its score moves by {number(model.mean_change, 1)} points on average, the rules' by "
        f"{number(rules.mean_change, 1)}. A lead changes its band {number(model.per_lead_week, 3)} times a week, by the rules "
        f"{number(rules.per_lead_week, 3)} times.",
        "A score that jumps is hard to work with, and one that never moves says nothing. The model's bands are followed with hysteresis.",
        plot_calm(both),
        (Table("Stability, with 95% intervals", columns, tuple(_stability(name, one) for name, one in both.items())),),
    )


def _stability(name: str, one: Stability) -> tuple[str, ...]:
    change = _interval(one.mean_change, one.mean_change_low, one.mean_change_high, 2)
    weekly = _interval(one.per_lead_week, one.per_lead_week_low, one.per_lead_week_high, 3)
    return name, f"{one.steps:,}", change, f"{one.lead_weeks:,.0f}", f"{one.band_changes:,}", weekly


def _interval(value: float | None, low: float | None, high: float | None, digits: int) -> str:
    return words.NOTHING if value is None else f"{number(value, digits)} ({number(low, digits)} to {number(high, digits)})"
