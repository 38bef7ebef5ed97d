"""Challengers that were made worse on purpose are refused, each by the gate that is there for it, and however old the champion is."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from features.dataset import Dataset
from features.snapshots import Snapshots, on_dates
from models.gate import Gate, GateSettings, beside_champion, no_segment_badly_worse
from models.registry import GateError, Registry
from models.scorer import LeadScorer
from models.settings import Settings, read_settings
from tests.conftest import registry_in
from tests.small_world import prepared
from tests.tracked import aliases
from training.bootstrap import paired
from training.candidate import Candidate, decide, put_forward
from training.evaluate import evaluate
from training.groups import groupings
from training.judge import judge
from training.learn import Learnt, learn_with_unseen
from training.segments import segment_differences
from training.simulation.simulate import simulate
from training.split import Split

pytestmark = pytest.mark.slow

CLEAN = {"findings": {"error": 0, "warning": 0, "info": 0}, "errors": [], "allowed": []}
STRONGEST = (
    *("demo_request", "trial_request", "offer_request", "meeting_request", "meeting_held"),
    *("price_page", "page_visit", "repeat_visit", "mail_reply", "call_back"),
)


@dataclass(frozen=True, eq=False)
class Ring:
    """A world, its champion, and where challengers are put forward."""

    settings: Settings
    dataset: Dataset
    parts: Split
    registry: Registry
    champion: Learnt
    version: str

    def learn(self, parts: Split | None = None, settings: Settings | None = None) -> Learnt:
        """Something else than the champion."""
        return learn_with_unseen(self.dataset, parts or self.parts, settings or self.settings).with_facts(audit=CLEAN)

    def challenge(self, learnt: Learnt) -> Candidate:
        """The whole way into the registry."""
        with self.registry.run("challenger") as run:
            return put_forward(learnt, self.dataset, self.parts.test, self.settings, self.registry, run)

    def judge(self, learnt: Learnt, folder: Path, name: str = "") -> list[Gate]:
        """The verdicts alone, on the same data, or on data of the same kind by another name."""
        dataset = replace(self.dataset, name=name or self.dataset.name)
        scorer = learnt.scorer.save(folder / "model")
        evaluation = evaluate(scorer, dataset, self.parts.test)
        return judge(scorer, LeadScorer.load(folder / "model"), evaluation, dataset, self.settings, self.registry).gates


@pytest.fixture(scope="module")
def ring(tmp_path_factory: pytest.TempPathFactory, empty_database: Path) -> Iterator[Ring]:
    folder = tmp_path_factory.mktemp("ring")
    simulate(folder / "data", 3_000, seed=5)
    settings, dataset, parts = prepared(folder / "data")
    with pytest.MonkeyPatch.context() as patch:
        registry = registry_in(folder, empty_database, patch)
        champion = learn_with_unseen(dataset, parts, settings).with_facts(audit=CLEAN)
        ring = Ring(settings, dataset, parts, registry, champion, "1")
        first = ring.challenge(champion)
        assert decide(first, registry), first.gates
        yield ring


def failing(gates: list[Gate]) -> list[str]:
    return [gate.name for gate in gates if not gate.passed]


def shuffled(parts: Split) -> Split:
    rng = np.random.default_rng(0)

    def wrong(part: Snapshots) -> Snapshots:
        return replace(part, label=rng.permutation(part.label))

    return replace(parts, train=wrong(parts.train), learn=wrong(parts.learn), calibrate=wrong(parts.calibrate))


def test_shuffled_labels_are_refused_by_the_comparison_with_the_champion_and_the_rules(ring: Ring) -> None:
    candidate = ring.challenge(ring.learn(shuffled(ring.parts)))
    assert {"not_worse_than_champion_auc", "not_worse_than_rules_auc"} <= set(failing(candidate.gates))
    assert not decide(candidate, ring.registry)
    assert aliases(ring.registry) == {"champion": ring.version, "challenger": candidate.version}
    assert ring.registry.version(candidate.version).judged_against == ring.version
    assert ring.registry.version(candidate.version).gates == [gate.to_dict() for gate in candidate.gates]
    with pytest.raises(GateError, match=r"not_worse_than_champion_auc .*worse"):
        ring.registry.promote(candidate.version, "it is newer")


def test_a_dropped_signal_is_refused_however_old_the_champion_is(ring: Ring) -> None:
    with closing(sqlite3.connect(ring.registry.uri.removeprefix("sqlite:///"))) as database, database:
        database.execute("UPDATE model_versions SET creation_time = 0, last_updated_time = 0 WHERE version = ?", (ring.version,))
    assert ring.registry.version("champion").created_at.year == 1970
    poorer = ring.settings.model_copy(update={"data": ring.settings.data.model_copy(update={"exclude_types": STRONGEST})})
    candidate = ring.challenge(ring.learn(settings=poorer))
    assert "not_worse_than_champion_auc" in failing(candidate.gates)
    assert not decide(candidate, ring.registry)
    assert aliases(ring.registry)["champion"] == ring.version


def test_the_champion_beside_itself_ties_and_holds(ring: Ring, tmp_path: Path) -> None:
    gates = ring.judge(ring.champion, tmp_path)
    assert failing(gates) == []
    by_name = {gate.name: gate for gate in gates}
    assert by_name["not_worse_than_champion_auc"].figure == by_name["not_worse_than_champion_brier"].figure == 0
    assert by_name["parity"].figure == 0


def test_a_champion_of_another_question_is_named_and_not_passed_over(ring: Ring, tmp_path: Path) -> None:
    gates = ring.judge(ring.champion, tmp_path, "another world")
    assert failing(gates) == ["compared_with_champion"]
    [told] = [gate.detail for gate in gates if gate.name == "compared_with_champion"]
    assert "answers another question" in told
    assert "another world" in told


def test_a_segment_made_badly_worse_is_refused_although_the_whole_ties(tmp_path: Path) -> None:
    """The challenger knows the truth, but for one industry, where it guesses; the champion knows the truth with some noise everywhere."""
    simulate(tmp_path / "data", 6_000, seed=1)
    source = read_settings(tmp_path / "data")
    dataset = Dataset.read(source.settings.data, source.root)
    truth = pq.read_table(tmp_path / "data" / "truth.parquet")
    moments = np.unique(truth["as_of"].cast("int64").to_numpy())
    snapshots = on_dates(dataset, moments[moments > np.median(moments)][::2], source.settings.snapshots.horizon).matured
    keys = zip(truth["lead_id"].to_pylist(), truth["as_of"].cast("int64").to_pylist(), strict=True)
    known = dict(zip(keys, truth["probability"].to_pylist(), strict=True))
    leads = dataset.history.lead_ids.take(pa.array(snapshots.lead)).to_pylist()
    true = np.array([known[key] for key in zip(leads, snapshots.as_of.tolist(), strict=True)])
    rng, industry = np.random.default_rng(0), groupings(dataset, snapshots)["industry"]
    champion = noisy(true, rng.normal(0, 0.55, len(true)))
    place = np.flatnonzero(industry.codes == industry.names.index("public"))
    challenger = true.copy()
    challenger[place] = rng.permutation(true[place])

    whole = beside_champion(paired(snapshots.label, challenger, champion, snapshots.lead), "")
    assert "tie" in whole[1].detail
    assert failing(whole) == []
    planted, fair = (segment_differences(dataset, snapshots, mine, champion, probable=True) for mine in (challenger, true))
    verdict = no_segment_badly_worse("champion", planted, GateSettings())
    assert not verdict.passed
    assert "industry public: " in verdict.detail
    assert no_segment_badly_worse("champion", fair, GateSettings()).passed


def noisy(probability: np.ndarray, noise: np.ndarray) -> np.ndarray:
    return np.asarray(1 / (1 + (1 - probability) / probability * np.exp(-noise)))
