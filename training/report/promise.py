"""Does what was promised come true: the bands' rates, and the probabilities."""

from __future__ import annotations

from models.temperature import Band
from training.metrics import Predictions
from training.plots.bands import bands as plot_bands
from training.plots.probability import calibration as plot_calibration
from training.promises import Place, Promise, Proof
from training.report import words
from training.report.evidence import Evidence
from training.report.exhibit import Exhibit
from training.report.words import Table, rate, span

_PLACES: dict[Place, str] = {
    "inside": "as promised",
    "outside by chance": "not as promised, which may be chance",
    "above": "more than promised",
    "below": "less than promised",
    "not seen": "not seen",
}


def bands(evidence: Evidence) -> Exhibit:
    """The promise of each band, and what came."""
    expected, proofs = evidence.bands.bands[::-1], evidence.proved.bands[::-1]
    columns = ("band", "probability", "promised", "came", "verdict", "share promised", "share came")
    caption = f"Policy {evidence.bands.policy}; rates with 95% intervals by lead"
    rows = tuple(_band_row(band, proof) for band, proof in zip(expected, proofs, strict=True))
    promises = tuple(_promise_row(promise) for promise in evidence.proved.promises)
    return Exhibit(
        "bands",
        "Do the bands keep their promise?",
        " ".join(_band_sentence(proof) for proof in proofs),
        "The box is what the calibration part promised, the point what came on later data. A point inside of its box keeps the promise.",
        plot_bands(evidence.bands.bands, evidence.actual),
        (
            Table(caption, columns, rows),
            Table("What the policy promised, and what the test part shows", ("band", "promised", "came", "verdict"), promises),
        ),
    )


def _band_sentence(proof: Proof) -> str:
    if proof.rate is None:
        return f"No test lead was {proof.name}."
    came = f"Of {proof.name} looks, {rate(proof.rate)} were won"
    promised = span(proof.stated_low, proof.stated_high)
    if proof.place in ("inside", "not seen"):
        return f"{came}; {promised} was promised."
    by_chance = " (which may be chance)" if proof.place == "outside by chance" else ""
    side = "more" if proof.rate > (proof.stated or 0.0) else "fewer"
    return f"{came}, {side} than the {promised} that was promised{by_chance}."


def _band_row(band: Band, proof: Proof) -> tuple[str, ...]:
    upper = "1" if band.upper >= 1 else f"{band.upper:.3f}"
    probability = words.NOTHING if band.lower >= 1 else f"{band.lower:.3f} to {upper}"
    promised = f"{rate(proof.stated)} ({span(proof.stated_low, proof.stated_high)})"
    came = f"{rate(proof.rate)} ({span(proof.rate_low, proof.rate_high)})"
    return band.name, probability, promised, came, _PLACES[proof.place], rate(band.share), rate(proof.share)


def _promise_row(promise: Promise) -> tuple[str, ...]:
    limit = f"at {'most' if promise.at_most else 'least'} {promise.promised:.3g} {promise.figure}"
    came = words.NOTHING
    if promise.actual is not None and promise.low is not None and promise.high is not None:
        came = f"{promise.actual:.3g} ({promise.low:.3g} to {promise.high:.3g})"
    return promise.name, limit, came, promise.verdict


def calibration(evidence: Evidence) -> Exhibit:
    """Whether 20% means one in five."""
    model, predictions = evidence.evaluation.model, evidence.evaluation.predictions
    missed = f"{100 * model['ece']:.1f} percentage points" if model["ece"] is not None else "an unknown amount"
    mean = rate(float(evidence.evaluation.probability.mean()))
    return Exhibit(
        "calibration",
        "Does a probability mean what it says?",
        f"On average over ten bins the model's probability misses the actual rate by {missed}; "
        f"all in all it expected {mean} to be won, and {rate(model['positives'] / model['rows'])} were.",
        "Each point is a tenth of the looks. On the dashed line, of leads given 20%, one in five is won; "
        "below it the model promises too much.",
        plot_calibration(predictions),
        tuple(_reliability(name, one) for name, one in predictions.items()),
    )


def _reliability(name: str, predictions: Predictions) -> Table:
    table = predictions.reliability()
    values = zip(table.rows, table.expected, table.rate, table.low, table.high, strict=True)
    rows = tuple((rate(expected), rate(came), span(low, high), f"{count:,}") for count, expected, came, low, high in values)
    caption = f"Reliability of the {name}, in bins of about equal count"
    return Table(caption, ("expected", "came", "95% interval by lead", "looks"), rows)
