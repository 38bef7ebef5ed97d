"""A model folder: whole, plain text, the same when read again, and refused when it is not as it was saved."""

from __future__ import annotations

import json
import pickletools
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from features.contract import ModelError
from models.fallback import RulesScorer
from models.folder import FORMAT
from models.scorer import LeadScorer
from models.settings import ScoringSettings
from tests.small_world import SmallWorld


@pytest.fixture
def folder(world: SmallWorld, tmp_path: Path) -> Path:
    """A copy of the model to damage."""
    return Path(shutil.copytree(world.folder / "model", tmp_path / "model"))


def test_a_loaded_scorer_is_the_saved_one(world: SmallWorld) -> None:
    loaded = LeadScorer.load(world.folder / "model", version="3")
    assert (loaded.fingerprint, loaded.version) == (world.scorer.fingerprint, "3")
    assert (loaded.settings, loaded.calibration, loaded.bands, loaded.horizon) == (
        world.scorer.settings,
        world.scorer.calibration,
        world.scorer.bands,
        world.scorer.horizon,
    )
    assert loaded.facts == json.loads(json.dumps(world.scorer.facts))
    assert loaded.population == world.scorer.population
    test = world.parts.test
    tables = [replace(one, version=None).score_many(world.dataset.history, test.lead, test.as_of) for one in (loaded, world.scorer)]
    assert tables[0].equals(tables[1])
    assert loaded.score(world.alone(0), world.now) == replace(world.scorer, version="3").score(world.alone(0), world.now)


def test_a_linear_model_survives_too(world: SmallWorld, tmp_path: Path) -> None:
    saved = world.logistic.save(tmp_path / "model")
    loaded, test = LeadScorer.load(tmp_path / "model"), world.parts.test
    assert loaded.fingerprint == saved.fingerprint
    both = [one.numbers(world.dataset.history, test.lead, test.as_of).log_odds for one in (loaded, saved)]
    assert (both[0] == both[1]).all()


def test_rules_alone_survive_too(world: SmallWorld, tmp_path: Path) -> None:
    rules = replace(world.scorer, margin=None, bands=None, reference=np.empty(0), population=None).save(tmp_path / "rules")
    assert sorted(file.name for file in (tmp_path / "rules").iterdir()) == ["facts.json", "manifest.json", "reference.json", "scorer.json"]
    history = world.alone(0)
    assert LeadScorer.load(tmp_path / "rules").score(history, world.now) == rules.score(history, world.now)


def test_saving_a_loaded_scorer_gives_the_same_bytes(world: SmallWorld, tmp_path: Path) -> None:
    again = LeadScorer.load(world.folder / "model", version="3").save(tmp_path / "again")
    assert again.fingerprint == world.scorer.fingerprint
    for file in (world.folder / "model").iterdir():
        assert (tmp_path / "again" / file.name).read_bytes() == file.read_bytes()


def test_facts_and_population_do_not_decide_about_the_fingerprint_and_all_else_does(world: SmallWorld, tmp_path: Path) -> None:
    told = replace(world.scorer, facts={"auc": 0.5}, population=None).save(tmp_path / "told")
    assert told.fingerprint == world.scorer.fingerprint
    others = {
        "calibration": replace(world.scorer, calibration=world.scorer.calibration.shifted(0.1)),
        "horizon": replace(world.scorer, horizon=world.scorer.horizon + 1),
        "reference": replace(world.scorer, reference=world.scorer.reference[1:]),
        "margin": replace(world.scorer, margin=world.logistic.margin),
        "settings": replace(world.scorer, settings=world.scorer.settings.model_copy(update={"signals": {}})),
    }
    fingerprints = {other.save(tmp_path / name).fingerprint for name, other in others.items()}
    assert len(fingerprints | {world.scorer.fingerprint}) == len(others) + 1


def test_nothing_in_the_folder_can_run(world: SmallWorld) -> None:
    for file in (world.folder / "model").iterdir():
        assert file.suffix in {".json", ".txt"}
        assert not file.stat().st_mode & 0o111
        content = file.read_bytes()
        content.decode("utf-8")
        with pytest.raises(ValueError, match=r"opcode|pickle|stack|expected|exhausted|STOP|newline"):
            list(pickletools.genops(content))
        if file.suffix == ".json":
            json.loads(content)


def flip(folder: Path) -> None:
    file = folder / "model.txt"
    file.write_text(file.read_text(encoding="utf-8").replace("0", "1", 1), encoding="utf-8")


def of_format(number: object) -> Callable[[Path], None]:
    def change(folder: Path) -> None:
        manifest = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
        (folder / "manifest.json").write_text(json.dumps(manifest | {"format": number}), encoding="utf-8")

    return change


def claim(folder: Path) -> None:
    manifest = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
    (folder / "manifest.json").write_text(json.dumps(manifest | {"fingerprint": "0" * 64}), encoding="utf-8")


def replace_by_folder(folder: Path) -> None:
    (folder / "facts.json").unlink()
    (folder / "facts.json").mkdir()


DAMAGES: list[tuple[Callable[[Path], object], str]] = [
    (flip, r"is not as it was saved: model\.txt"),
    (lambda folder: (folder / "facts.json").write_text("{}"), r"is not as it was saved: facts\.json"),
    (lambda folder: (folder / "reference.json").unlink(), r"is not as it was saved: reference\.json"),
    (lambda folder: (folder / "model.txt").unlink(), r"is not as it was saved: model\.txt"),
    (lambda folder: (folder / "hook.py").write_text("print()"), r"is not as it was saved: hook\.py"),
    (lambda folder: (folder / "more").mkdir(), r"is not as it was saved: more"),
    (replace_by_folder, r"is not as it was saved: facts\.json"),
    (claim, r"is not as it was saved: manifest\.json"),
    (of_format(FORMAT + 1), r"has format 2; this leadheat reads up to 1\. Update leadheat"),
    (of_format("new"), r"is no manifest"),
    (lambda folder: (folder / "manifest.json").write_text("[]"), r"is no manifest"),
    (lambda folder: (folder / "manifest.json").write_text('{"format"'), r"manifest\.json cannot be read"),
    (lambda folder: (folder / "manifest.json").unlink(), r"Is this a folder that leadheat saved"),
    (shutil.rmtree, r"Is this a folder that leadheat saved"),
]


@pytest.mark.parametrize(("damage", "words"), DAMAGES, ids=[words for _, words in DAMAGES])
def test_a_folder_that_is_not_as_it_was_saved_is_refused(folder: Path, damage: Callable[[Path], object], words: str) -> None:
    damage(folder)
    with pytest.raises(ModelError, match=words):
        LeadScorer.load(folder)


def test_a_saved_model_is_never_overwritten(world: SmallWorld, folder: Path) -> None:
    before = (folder / "manifest.json").read_bytes()
    with pytest.raises(ModelError, match="is there already"):
        world.scorer.save(folder)
    assert (folder / "manifest.json").read_bytes() == before


def test_a_save_that_fails_leaves_nothing_that_can_be_loaded(world: SmallWorld, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="not JSON compliant"):
        replace(world.scorer, facts={"auc": float("nan")}).save(tmp_path / "model")
    assert not (tmp_path / "model").exists()
    assert LeadScorer.load(Path(shutil.copytree(world.folder / "model", tmp_path / "model"))).fingerprint == world.scorer.fingerprint


def test_rules_of_a_model_are_those_of_its_settings(world: SmallWorld) -> None:
    alone = RulesScorer(ScoringSettings(signals=world.scorer.settings.signals))
    assert alone.score(world.alone(0), world.now).baseline == world.scorer.score(world.alone(0), world.now).baseline
