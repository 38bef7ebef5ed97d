"""The first screen: the question, the answer, what the bands promise, and what was decided. It must do for who reads no further."""

from __future__ import annotations

from dataclasses import dataclass

from training.promises import Place, Proof
from training.report import words
from training.report.evidence import Evidence
from training.report.words import rate, span

_VERDICTS: dict[Place, tuple[str, str]] = {
    "inside": ("kept", "as promised"),
    "outside by chance": ("near", "not as promised, but it may be chance"),
    "above": ("above", "more won than promised"),
    "below": ("below", "fewer won than promised"),
    "not seen": ("unseen", "nothing to compare"),
}
"""For each place of a rate, the name of its style and its words."""


@dataclass(frozen=True)
class Card:
    """One band on the first screen; places are percentages of a common scale."""

    name: str
    came: str
    promised: str
    share: str
    style: str
    verdict: str
    low: float
    width: float
    point: float


@dataclass(frozen=True)
class Headline:
    """What the first screen says."""

    answer: str
    question: str
    cards: tuple[Card, ...]
    order: str
    sure: str
    calls: str
    decision: str
    why: str


def headline(evidence: Evidence) -> Headline:
    """The first screen of a report."""
    test, auc = evidence.evaluation.model, evidence.evaluation.against_rules["auc"]
    first, last = evidence.period
    rules = evidence.evaluation.rules
    decision, why = _decision(evidence)
    return Headline(
        answer=words.standing(auc.verdict, "the rules"),
        question=f"Which leads will be won within {evidence.horizon_days:g} days? Judged on {test['rows']:,} looks at "
        f"{words.plural(evidence.leads, 'lead')} from {first} to {last}, all later than what the model learnt from; "
        f"{rate(test['positives'] / test['rows'])} of the looks were followed by a win.",
        cards=_cards(evidence),
        order=f"Of two leads, one of them won, the model puts the won one first in {100 * auc.a:.0f} of 100 cases, "
        f"the rules in {100 * auc.b:.0f}.",
        sure=f"AUC {words.number(auc.a)} against {words.number(auc.b)}: {words.difference(auc)} at 95%, {auc.verdict}.",
        calls=f"The first 10% to call hold {rate(test['gain_at_10'])} of all wins; called by the rules they hold "
        f"{rate(rules['gain_at_10'])}, at random 10%.",
        decision=decision,
        why=why,
    )


def _decision(evidence: Evidence) -> tuple[str, str]:
    """What was decided, and why."""
    failed = [gate for gate in evidence.gates if not gate["passed"]]
    many = words.plural(len(evidence.gates), "gate")
    title, why = ("Fit for service", f"All {many} hold") if evidence.gates else ("Judged only", "No gate was asked")
    if failed:
        title, why = "Refused", f"{len(failed)} of {many} failed: {'; '.join(str(gate['detail']) for gate in failed)}"
    return title, f"{why}. {evidence.fate}".strip()


def _cards(evidence: Evidence) -> tuple[Card, ...]:
    proofs = evidence.proved.bands
    top = max((end for proof in proofs for end in (proof.rate_high, proof.stated_high) if end is not None), default=0.0) or 1.0
    return tuple(_card(proof, top) for proof in proofs[::-1])


def _card(proof: Proof, top: float) -> Card:
    style, verdict = _VERDICTS[proof.place]
    low, high = proof.stated_low or 0.0, proof.stated_high or 0.0
    return Card(
        name=proof.name,
        came=rate(proof.rate),
        promised=span(proof.stated_low, proof.stated_high),
        share=rate(proof.share),
        style=style,
        verdict=verdict,
        low=round(100 * low / top, 2),
        width=round(100 * (high - low) / top, 2),
        point=round(100 * (proof.rate or 0.0) / top, 2),
    )
