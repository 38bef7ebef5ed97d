"""A scorer as a folder: JSON and LightGBM's text, nothing that can run.

===============  ======================================================================================
scorer.json      features, calibration, bands, horizon and settings
model.txt        the trees, or ``linear.json``, the linear model; neither where the rules score alone
reference.json   the ascending probabilities of the reference population
facts.json       figures, and on what the model was trained
population.json  the features of the reference population
manifest.json    the format's number, the fingerprint and the SHA-256 of every other file
===============  ======================================================================================

The fingerprint leaves out facts and population, which decide about no score.
"""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from features.catalogue import FeatureSet
from features.contract import LeadheatError, ModelError
from models.calibration import Calibration
from models.margin import load_margin
from models.population import Population
from models.scorer import LeadScorer
from models.settings import ScoringSettings, parse_settings
from models.temperature import Bands

FORMAT = 1
MANIFEST, FACTS, POPULATION = "manifest.json", "facts.json", "population.json"
_FILES = frozenset({"scorer.json", "model.txt", "linear.json", "reference.json", FACTS, POPULATION, MANIFEST})


def save(scorer: LeadScorer, folder: Path) -> LeadScorer:
    """Write a scorer into a new folder, whole or not at all, and return it with its fingerprint.

    Raises:
        ModelError: something is there already.
    """
    if folder.exists():
        raise ModelError(f"{folder} is there already.", "Choose another folder: a saved model is never changed.")
    fresh = folder.with_name(f".{folder.name}-unfinished")
    shutil.rmtree(fresh, ignore_errors=True)
    fresh.mkdir(parents=True)
    _write(fresh / "scorer.json", _definition(scorer))
    _write(fresh / "reference.json", scorer.reference.tolist())
    _write(fresh / FACTS, scorer.facts)
    if scorer.population is not None:
        _write(fresh / POPULATION, scorer.population.to_dict(), indent=None)
    if scorer.margin is not None:
        scorer.margin.save(fresh)
    hashes = {file.name: _hash(file) for file in sorted(fresh.iterdir())}
    fingerprint = _fingerprint(hashes)
    _write(fresh / MANIFEST, {"format": FORMAT, "fingerprint": fingerprint, "files": hashes})
    fresh.replace(folder)
    return replace(scorer, fingerprint=fingerprint)


def load(folder: Path, version: str | None = None) -> LeadScorer:
    """Read what ``save`` wrote; ``version`` is told with every score.

    Raises:
        ModelError: the folder is not whole, was changed after saving, or is of a newer format.
    """
    manifest = _read(folder / MANIFEST)
    _check(folder, manifest)
    content = _read(folder / "scorer.json")
    try:
        modelled = content["bands"] is not None
        return LeadScorer(
            features=FeatureSet.from_dict(content["features"]),
            margin=load_margin(folder) if modelled else None,
            calibration=Calibration.from_dict(content["calibration"]),
            bands=Bands.from_dict(content["bands"]) if modelled else None,
            reference=np.array(_read(folder / "reference.json"), np.float64),
            horizon=int(content["horizon"]),
            settings=parse_settings(content["settings"], ScoringSettings, str(folder / "scorer.json")),
            facts=_read(folder / FACTS),
            version=version,
            fingerprint=manifest["fingerprint"],
            population=Population.from_dict(_read(folder / POPULATION)) if POPULATION in manifest["files"] else None,
        )
    except ModelError:
        raise
    except (KeyError, TypeError, ValueError, LeadheatError) as error:
        raise ModelError(f"The model in {folder} cannot be read: {error}.", "Restore the folder or train again.") from error


def _definition(scorer: LeadScorer) -> dict[str, Any]:
    return {
        "features": scorer.features.to_dict(),
        "calibration": scorer.calibration.to_dict(),
        "bands": None if scorer.bands is None else scorer.bands.to_dict(),
        "horizon": scorer.horizon,
        "settings": scorer.settings.model_dump(mode="json", by_alias=True, exclude_none=True),
    }


def _check(folder: Path, manifest: Any) -> None:
    """Refuse a newer format, and any file that is missing, added or not as it was saved."""
    try:
        number, files, fingerprint = int(manifest["format"]), dict(manifest["files"]), manifest["fingerprint"]
    except (KeyError, TypeError, ValueError) as error:
        raise ModelError(f"{folder / MANIFEST} is no manifest: {error!r}.", "Restore the folder or train again.") from error
    if number > FORMAT:
        raise ModelError(f"The model in {folder} has format {number}; this leadheat reads up to {FORMAT}.", "Update leadheat.")
    present = {file.name for file in folder.iterdir()}
    changed = sorted(name for name in files if _hash(folder / name) != files[name])
    strange = sorted(present - set(files) - {MANIFEST} | set(files) - _FILES)
    if changed or strange or _fingerprint(files) != fingerprint:
        what = ", ".join(changed + strange) or MANIFEST
        raise ModelError(f"The model in {folder} is not as it was saved: {what}.", "Restore the folder or train again.")


def _fingerprint(hashes: Mapping[str, str]) -> str:
    """SHA-256 over the files that decide about a score."""
    deciding = {name: digest for name, digest in hashes.items() if name not in (FACTS, POPULATION)}
    return hashlib.sha256(json.dumps(deciding, sort_keys=True).encode()).hexdigest()


def _hash(file: Path) -> str:
    return hashlib.sha256(file.read_bytes()).hexdigest() if file.is_file() else ""


def _write(file: Path, content: Any, indent: int | None = 1) -> None:
    file.write_text(json.dumps(content, indent=indent, ensure_ascii=False, allow_nan=False) + "\n", encoding="utf-8")


def _read(file: Path) -> Any:
    try:
        return json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ModelError(f"{file} cannot be read: {error}.", "Is this a folder that leadheat saved? Restore it or train again.") from error
