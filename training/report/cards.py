"""What is told in words and tables: what was left out and why, the data, the model, and how to repeat all of it."""

from __future__ import annotations

import json
import platform
from importlib.metadata import version

from features.contract import from_micros
from training.plots.comparison import FIGURES
from training.report import words
from training.report.evidence import Evidence
from training.report.words import Table

MEANINGS = {
    "auc": "the chance that a won look is ranked above one that was not; 0.5 is random, 1 perfect",
    "average_precision": "how pure the top of the list is, over all lengths of the list; the base rate is random",
    "lift_at_10": "the won rate among the top tenth, in multiples of the base rate",
    "work_for_80": "the share of the looks, the most promising first, that hold 80% of the wins; lower is better",
    "log_loss": "how surprised the probabilities were by what happened; lower is better",
    "brier": "the mean squared error of the probabilities; lower is better",
    "ece": "by how much probabilities and rates differ, on average over ten bins; lower is better",
}
_LIBRARIES = ("leadheat", "lightgbm", "numpy", "numba", "scikit-learn")
_CALIBRATIONS = {
    "none": "the margin as it is",
    "offset": "shifted",
    "sigmoid": "sigmoid (Platt)",
    "isotonic": "isotonic, made strictly increasing",
}
_SEVERITIES = ("error", "warning", "info")
_FOR_PEOPLE = {"exclude_types": "interaction types", "exclude_attributes": "attributes"}


def figures(evidence: Evidence) -> Table:
    """All figures of model and rules, each with its meaning."""
    model, rules = evidence.evaluation.model, evidence.evaluation.rules
    rows = tuple((named, words.figure(model, name), words.figure(rules, name), MEANINGS[name]) for name, named in FIGURES.items())
    caption = f"{model['rows']:,} looks at {words.plural(evidence.leads, 'lead')}, {model['positives']:,} won; with 95% intervals by lead"
    return Table(caption, ("figure", "model", "rules", "what it means"), rows)


def findings(evidence: Evidence) -> Table | None:
    """What the audit noticed."""
    some = sorted(evidence.findings, key=lambda one: _SEVERITIES.index(one.severity))
    if not some:
        return None
    rows = tuple(
        (one.severity, one.code, ".".join(filter(None, (one.table, one.column))), one.detail, one.hint, f"{one.count:,}") for one in some
    )
    return Table("What was noticed about the data", ("severity", "code", "where", "what", "what to do", "rows"), rows)


def excluded(evidence: Evidence) -> Table:
    """What was left out of learning or judging, and why."""
    data, facts = evidence.settings.data, evidence.scorer.facts
    rows = [
        (what, words.some(patterns), "the settings leave them out: they would tell the outcome, or may not be used")
        for name, what in _FOR_PEOPLE.items()
        if (patterns := getattr(data, name))
    ]
    horizon, observed = words.days(evidence.scorer.horizon), evidence.dataset.observed_until
    matured = from_micros(observed - evidence.scorer.horizon).date().isoformat()
    rare = sorted(set(evidence.dataset.history.with_schema(evidence.scorer.schema).type.levels) - set(evidence.scorer.features.types))
    if rare:
        rows.append(("interaction types", words.some(rare), "too rare in training, or new: they count together, as unknown types"))
    rows += [
        ("training looks", f"{facts.get('purged', 0):,}", f"their horizon of {horizon} would reach into a later part (purge)"),
        ("looks at leads", f"after {matured}", f"not matured: their horizon of {horizon} ends after what was observed"),
    ]
    audit = facts.get("audit", {})
    if audit.get("allowed"):
        rows.append(("nothing, although the audit objected", ", ".join(audit["allowed"]), "allowed by who trained it"))
    return Table("Left out", ("what", "which or how many", "why"), tuple(rows))


def data_card(evidence: Evidence) -> Table:
    """What was learnt from and judged on."""
    data, facts, history = evidence.dataset, evidence.scorer.facts, evidence.dataset.history
    first, last = evidence.period
    train = facts.get("train", {})
    test = evidence.evaluation.model
    rows = [
        ("name", data.name),
        ("leads", f"{len(history):,}"),
        ("interactions", f"{len(history.occurred_at):,} of {words.plural(len(history.type.levels), 'type')}"),
        ("observed until", from_micros(data.observed_until).date().isoformat()),
        ("question", f"won within {words.days(evidence.scorer.horizon)} of a look"),
    ]
    if train:
        won = f"{train['positives']:,} won, of {words.plural(train['won_leads'], 'lead')}"
        rows.append(("learnt from", f"{train['rows']:,} looks, {train['from']} to {train['to']}; {won}"))
    rows += [
        ("judged on", f"{test['rows']:,} looks, {first} to {last}; {test['positives']:,} won"),
        (
            "base rate",
            f"{words.rate(evidence.bands.base_rate)} calibrated, {words.rate(test['positives'] / test['rows'])} in the test",
        ),
        ("attributes of leads", ", ".join((*evidence.scorer.schema.lead_numeric, *evidence.scorer.schema.lead_categorical)) or "none"),
    ]
    return Table("Data", ("", ""), tuple(rows))


def model_card(evidence: Evidence) -> Table:
    """What it is, what it is for, and what it is not for."""
    scorer, facts, bands = evidence.scorer, evidence.scorer.facts, evidence.bands
    kind = {"boosting": f"gradient-boosted trees (LightGBM), {facts.get('trees', 0)} of them", "logistic": "logistic regression"}
    rows = (
        ("kind", kind.get(facts.get("kind", ""), str(facts.get("kind")))),
        ("features", f"{len(scorer.features.names)}, of {words.plural(len(scorer.explainer.signals), 'signal')}"),
        ("calibration", _CALIBRATIONS[scorer.calibration.method]),
        ("bands", f"policy {bands.policy}: warm from {words.rate(bands.thresholds[0])}, hot from {words.rate(bands.thresholds[1])}"),
        ("hysteresis", f"a lead cools when its odds are {bands.hysteresis:.0%} below the threshold"),
        *(("note", note) for note in bands.notes),
        *([("beside it", facts["linear"]["words"])] if facts.get("linear") else []),
        *([("tuning", facts["tuning"]["words"])] if facts.get("tuning") else []),
        ("made for", "deciding whom to contact first, by people who see the reasons"),
        ("not made for", "refusing someone, setting prices, or any decision about a person that nobody looks at"),
        ("limits", "it knows what the data know; leads that are contacted because they are hot are won more often for that, too"),
    )
    return Table("Model", ("", ""), rows)


def repeat(evidence: Evidence) -> Table:
    """Everything that decides about the numbers."""
    scorer = evidence.scorer
    rows = [
        ("command", evidence.command),
        ("data, SHA-256", evidence.dataset.fingerprint),
        ("model, SHA-256", scorer.fingerprint),
        ("version", scorer.version or ""),
        ("MLflow run", evidence.run_id),
        ("seed", str(evidence.seed)),
        ("Python", platform.python_version()),
        *((name, version(name)) for name in _LIBRARIES),
    ]
    return Table("Command, versions and fingerprints", ("", ""), tuple(row for row in rows if row[1]))


def settings(evidence: Evidence) -> str:
    """The data set's settings as JSON, without what is at its default."""
    return json.dumps(evidence.settings.model_dump(mode="json", by_alias=True, exclude_defaults=True), indent=2, ensure_ascii=False)


def gates(evidence: Evidence) -> Table | None:
    """The verdicts of the gates."""
    if not evidence.gates:
        return None
    rows = tuple((str(one["name"]).replace("_", " "), "holds" if one["passed"] else "fails", str(one["detail"])) for one in evidence.gates)
    return Table("Gates", ("gate", "verdict", "why"), rows)
