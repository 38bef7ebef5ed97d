"""What moves the model, and whether it holds for every kind of lead."""

from __future__ import annotations

from collections.abc import Sequence

from training.breakdown import Slice, stands_out
from training.plots.importance import importance as plot_importance
from training.plots.segments import segments as plot_segments
from training.plots.segments import shown_of
from training.report import words
from training.report.evidence import SAMPLE, Evidence
from training.report.exhibit import Exhibit
from training.report.words import Table, rate, span


def importance(evidence: Evidence) -> Exhibit:
    """What moves the probability."""
    signals = [one for one in evidence.importance if one.weight > 0]
    total = sum(one.weight for one in signals) or 1.0
    first = [f"“{one.words}” ({one.weight / total:.0%})" for one in signals[:3]]
    rows = tuple(
        (one.words, words.number(one.weight), f"{one.weight / total:.1%}", f"{one.raises:+.3f}", f"{-one.lowers:+.3f}", rate(one.helped))
        for one in signals
    )
    columns = ("signal", "mean effect", "share", "raises", "lowers", "share of looks raised")
    count = min(SAMPLE, len(evidence.evaluation.snapshots))
    return Exhibit(
        "importance",
        "What makes leads hot, and what cools them?",
        f"Of all that moves the model, most comes from {words.listed(first)}." if first else "No signal moves the model.",
        f"The mean effect on the log-odds over {count:,} test looks, drawn by the seed; an effect of 0.7 doubles the odds. "
        "It is what the model makes of a signal, not what the signal causes.",
        plot_importance(signals),
        (Table("Mean effect on the log-odds (exact contributions, summed per signal)", columns, rows),),
    )


def segments(evidence: Evidence) -> Exhibit:
    """Whether it holds for all kinds of leads."""
    slices = evidence.examined.slices
    shown = shown_of(slices)
    rest = f" {len(slices) - len(shown)} more are in the table." if len(shown) < len(slices) else ""
    columns = ("by", "part", "looks", "leads", "expected", "came", "AUC", "AUC of the rules", "verdict")
    return Exhibit(
        "segments",
        "Does it hold for every kind of lead?",
        _sentence(slices),
        "Left: the point is what came, with its 95% interval, the diamond what was expected; coloured where they differ by more than "
        "chance allows over all parts together. Right: how well model and rules order the leads of the part; dashed, the model over all "
        f"leads, who are easier to order than leads that are alike.{rest}",
        plot_segments(slices, evidence.evaluation.model["auc"]),
        (Table("Parts of the leads, with 95% intervals by lead", columns, tuple(_row(one) for one in slices)),),
        wide=True,
    )


def _row(one: Slice) -> tuple[str, ...]:
    auc = words.NOTHING if one.auc is None else f"{one.auc:.3f} ({words.number(one.auc_low)} to {words.number(one.auc_high)})"
    came = f"{rate(one.rate)} ({span(one.rate_low, one.rate_high)})"
    name = one.by.replace("_", " ")
    return name, one.value, f"{one.rows:,}", f"{one.leads:,}", rate(one.expected), came, auc, words.number(one.rules_auc), one.verdict


def _sentence(slices: Sequence[Slice]) -> str:
    off = stands_out(slices)
    behind = [one for one in slices if one.difference and one.difference.verdict == "worse"]
    if off:
        told = words.listed(f"{_named(one)} ({rate(one.rate)} instead of {rate(one.expected)})" for one in off[:3])
        first = f"In {len(slices) - len(off)} of {len(slices)} parts the rate is what was expected, allowing for chance; not so for {told}."
    else:
        first = f"In all {len(slices)} parts the rate is what was expected, allowing for chance."
    if behind:
        return f"{first} The rules order leads better for {words.listed(_named(one) for one in behind[:3])}."
    return f"{first} In none do the rules order leads better."


def _named(one: Slice) -> str:
    return f"{one.by.replace('_', ' ')} “{one.value}”"
