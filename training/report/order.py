"""Is the order of the leads any good: what the first calls find, and how it compares with the rules'."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from models.temperature import NAMES
from training.bootstrap import Difference
from training.plots.comparison import FIGURES
from training.plots.comparison import agreement as plot_agreement
from training.plots.comparison import differences as plot_differences
from training.plots.probability import gains as plot_gains
from training.report import words
from training.report.evidence import Evidence
from training.report.exhibit import Exhibit
from training.report.words import Table, rate

HOT = 2
TOPS = (5, 10, 20)
_SIDES = {"better": "better", "tie": "tied", "worse": "worse"}


def gains(evidence: Evidence) -> Exhibit:
    """What the order is worth."""
    model, rules = evidence.evaluation.model, evidence.evaluation.rules
    found = [(f"top {top}%", *(words.share(one, f"gain_at_{top}") for one in (model, rules)), f"{top}.0%") for top in TOPS]
    lifts = [(f"top {top}%", *(words.figure(one, f"lift_at_{top}") for one in (model, rules)), "1.00") for top in TOPS]
    work = [("looks to work", *(words.share(one, "work_for_80") for one in (model, rules)), "80.0%")]
    columns = ("", "model", "rules", "random")
    return Exhibit(
        "gains",
        "How many wins do the first calls find?",
        f"The first 10% to call hold {rate(model['gain_at_10'])} of the wins; called by the rules they hold {rate(rules['gain_at_10'])}, "
        f"at random 10%. To find 80% of the wins, sales works {rate(model['work_for_80'])} of the looks; "
        f"by the rules, {rate(rules['work_for_80'])}.",
        "Leads are called from the left, the most promising first; the higher the curve rises at once, the less work for the same wins.",
        plot_gains(evidence.evaluation.predictions),
        (
            Table("Share of the wins among the first to call, with 95% intervals by lead", columns, tuple(found)),
            Table("Lift: the won rate among the first over that of all", columns, tuple(lifts)),
            Table("To find 80% of the wins", columns, tuple(work)),
        ),
    )


def differences(evidence: Evidence) -> Exhibit:
    """Model against rules, and against the champion, figure by figure."""
    rules, champion = evidence.evaluation.against_rules, evidence.against_champion
    told = [f"Compared with the rules on the same leads, the model is {_sides(rules)}."]
    tables = [words.differences(rules, "model", "rules")]
    if champion is not None:
        told.append(f"Compared with the champion of that time, it is {_sides(champion)}.")
        tables.append(words.differences(champion, "model", "champion"))
    return Exhibit(
        "differences",
        "Is the model better than the rules?",
        " ".join(told),
        "A line that crosses the middle is a tie: the difference may be chance. Each figure has a scale of its own. "
        "To make it fair, the rules' points were turned into probabilities on the calibration part.",
        plot_differences(rules),
        tuple(tables),
    )


def _sides(against: Mapping[str, Difference]) -> str:
    """In which figures it is better, tied or worse."""
    sides = {verdict: [named for name, named in FIGURES.items() if against[name].verdict == verdict] for verdict in _SIDES}
    return "; ".join(f"{_SIDES[verdict]} in {words.listed(names)}" for verdict, names in sides.items() if names)


def agreement(evidence: Evidence) -> Exhibit:
    """Who is right where model and rules disagree."""
    scored, y = evidence.evaluation.scored, evidence.evaluation.snapshots.label
    cell = scored.temperature.astype(np.int64) * 3 + scored.rules_temperature
    rows = np.bincount(cell, minlength=9).reshape(3, 3).astype(np.int64)
    won = np.bincount(cell, weights=y, minlength=9).reshape(3, 3)
    rates = np.divide(won, rows, out=np.full((3, 3), np.nan), where=rows > 0)
    cells = [(model, rules) for model in (2, 1, 0) for rules in (2, 1, 0)]
    table = tuple((NAMES[model], NAMES[rules], rate(float(rates[model, rules])), f"{rows[model, rules]:,}") for model, rules in cells)
    return Exhibit(
        "agreement",
        "Where model and rules disagree, who is right?",
        _agreement_sentence(won, rows),
        "Each tile holds the looks to which model and rules gave these two temperatures; the stronger its colour, the more were won. "
        "Tiles of fewer than 30 looks say little and have no colour.",
        plot_agreement(rates, rows),
        (Table("Actual rate by temperature", ("model says", "rules say", "won", "looks"), table),),
    )


def _agreement_sentence(won: np.ndarray, rows: np.ndarray) -> str:
    parts = [f"They agree on {rate(float(np.trace(rows) / rows.sum()))} of the looks."]
    for who, cells in (("the model", np.s_[HOT, :HOT]), ("the rules", np.s_[:HOT, HOT])):
        count = int(rows[cells].sum())
        if count:
            right = rate(float(won[cells].sum() / count))
            parts.append(f"Of the {words.plural(count, 'look')} that only {who} called hot, {right} were won.")
        else:
            parts.append(f"Nothing was called hot by {who} alone.")
    return " ".join(parts)
