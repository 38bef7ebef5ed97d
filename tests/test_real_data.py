"""The real data sets by the real path: what is looked at, and what the model achieves on later snapshots."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pytest

from features.contract import DAY
from features.dataset import Dataset
from models.table import SCHEMA
from tests.trained import trained
from training.bootstrap import paired
from training.evaluate import Evaluation, evaluate
from training.split import Split

pytestmark = pytest.mark.slow


class Judged(NamedTuple):
    """A data set after training and judging."""

    dataset: Dataset
    parts: Split
    evaluation: Evaluation


def train(name: str) -> Judged:
    _, dataset, parts, scorer = trained(name)
    table = scorer.score_many(dataset.history, parts.test.lead, parts.test.as_of)
    assert table.schema == SCHEMA
    judged = evaluate(scorer, dataset, parts.test)
    assert (table["probability"].to_numpy() == judged.probability).all()
    return Judged(dataset, parts, judged)


@pytest.fixture(scope="module")
def bpic2012() -> Judged:
    return train("bpic2012")


def test_bpic2012_is_looked_at_as_its_reference_protocol_says(bpic2012: Judged) -> None:
    train, test = bpic2012.parts.train, bpic2012.parts.test
    assert (len(train), len(test)) == (16_371, 5_905)
    assert train.label.mean() == pytest.approx(0.2512, abs=0.00005)
    assert test.label.mean() == pytest.approx(0.2308, abs=0.00005)
    assert (np.diff(np.unique(test.as_of)) == 7 * DAY).all()


def test_bpic2012_reaches_its_figures(bpic2012: Judged) -> None:
    model = bpic2012.evaluation.model
    assert model["auc"] >= 0.805
    assert model["average_precision"] >= 0.55
    assert model["brier"] <= 0.139
    assert model["ece"] <= 0.03
    assert model["lift_at_10"] >= 2.85


def test_bpic2012_is_ranked_better_than_by_its_rules(bpic2012: Judged) -> None:
    assert bpic2012.evaluation.against_rules["auc"].low > 0


def log_odds_table(judged: Judged, attributes: tuple[str, ...]) -> np.ndarray:
    """What a naive Bayes table of smoothed rates by level, learnt from the training snapshots, says of the test snapshots."""
    train, test = judged.parts.train, judged.parts.test
    rate, total = train.label.mean(), np.zeros(len(test))
    for attribute in attributes:
        codes = judged.dataset.history.lead_attributes.categorical[attribute].codes
        rows = np.bincount(codes[train.lead] + 1, minlength=codes.max() + 2)
        won = np.bincount(codes[train.lead] + 1, train.label, minlength=len(rows))
        smooth = (won + 10 * rate) / (rows + 10)
        total += np.log(smooth / (1 - smooth))[codes[test.lead] + 1]
    return 1 / (1 + np.exp(-total))


def test_olist_ties_with_a_table_of_its_two_columns() -> None:
    olist = train("olist")
    judged, test = olist.evaluation, olist.parts.test
    assert len(test) == 2_000
    assert judged.model["auc"] >= 0.705
    table = log_odds_table(olist, ("origin", "landing_page_id"))
    assert paired(test.label, judged.probability, table, test.lead)["auc"].verdict != "worse"


def test_uci_bank_is_scored_by_attributes_alone() -> None:
    uci_bank = train("uci_bank")
    assert len(uci_bank.parts.test) == pytest.approx(0.3 * 41_188, rel=0.001)
    assert uci_bank.evaluation.model["auc"] >= 0.69
    attributes = uci_bank.dataset.history.lead_attributes
    assert "duration" not in {*attributes.numeric, *attributes.categorical}
    assert len(uci_bank.dataset.history.occurred_at) == 0
