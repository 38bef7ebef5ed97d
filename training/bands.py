"""The bands that policies would give, before anyone commits to one: chosen on the calibration part, proved on the test part."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import Any, get_args

import numpy as np
import tomli_w

from features.contract import DataError, ModelError, SettingsError, from_micros
from features.dataset import Dataset
from models.scorer import LeadScorer
from models.settings import Settings, parse_settings
from models.temperature import NUMBERS, Bands, Policy, TemperatureSettings
from training.flicker import Daily, Flicker, flicker, follow
from training.promises import Promise, Proved, prove, told
from training.split import split
from training.unseen import Unseen

logger = logging.getLogger("leadheat.training")

STORED, WRITTEN = "stored", "written"
"""The names of the version's own policy, and of the one in leadheat.toml where that is another."""
ALONE: tuple[Policy, ...] = ("lift", "precision")
"""The policies that need no number."""


@dataclass(frozen=True, eq=False)
class Outlook:
    """What a policy gives.

    Attributes:
        name: how it is called here.
        settings: the policy.
        bands: chosen on the calibration part, with what that part shows of them.
        stated: the policy's figures on the calibration part.
        proved: bands and figures in the test part.
        per_day: how many leads a day are hot and warm, each counted once a day: in the calibration and in the test part.
        found: of the leads won in the test part, how many were hot, and hot or warm, in a look within the horizon before.
        won: how many leads were won in the test part.
        flicker: without and with hysteresis.
    """

    name: str
    settings: TemperatureSettings
    bands: Bands
    stated: tuple[Promise, ...]
    proved: Proved
    per_day: dict[str, tuple[float, float]]
    found: tuple[int, int]
    won: int
    flicker: tuple[Flicker, Flicker]

    def to_dict(self) -> dict[str, Any]:
        """What ``leadheat bands --json`` prints of it."""
        before, after = self.flicker
        return {
            "name": self.name,
            "policy": self.settings.policy,
            "toml": toml(self.settings),
            "thresholds": dict(zip(("warm", "hot"), self.bands.thresholds, strict=True)),
            "bands": [
                {"lower": band.lower, "upper": band.upper, "stated_share": band.share, **asdict(proof)}
                for band, proof in zip(self.bands.bands, self.proved.bands, strict=True)
            ],
            "promises": [{**asdict(one), "stated": same.actual} for one, same in zip(self.proved.promises, self.stated, strict=True)],
            "kept": self.proved.kept,
            "per_day": {name: {"calibration": before, "test": after} for name, (before, after) in self.per_day.items()},
            "wins": {"hot": self.found[0], "hot_or_warm": self.found[1], "all": self.won},
            "flicker": {"without_hysteresis": asdict(before), "with_hysteresis": asdict(after)},
            "notes": [*self.bands.notes, *told(self.proved)],
        }


def outlook(name: str, settings: TemperatureSettings, calibration: Unseen, test: Unseen, daily: Daily) -> Outlook:
    """Choose bands by a policy on the calibration part and look at them in the test part."""
    bands = calibration.bands(settings)
    temperature = bands.of(test.probability)
    won = test.label == 1
    return Outlook(
        name=name,
        settings=settings,
        bands=bands,
        stated=prove(settings, bands, calibration).promises,
        proved=prove(settings, bands, test),
        per_day={band: (_per_day(bands, calibration, level), _per_day(bands, test, level)) for level, band in ((2, "hot"), (1, "warm"))},
        found=tuple(len(np.unique(test.lead[won & (temperature >= level)])) for level in (2, 1)),  # type: ignore[arg-type]
        won=len(np.unique(test.lead[won])),
        flicker=flicker(bands, daily),
    )


def compare(
    scorer: LeadScorer, calibration: Unseen, dataset: Dataset, settings: Settings, policies: Mapping[str, TemperatureSettings]
) -> dict[str, Any]:
    """Policies side by side for a version: what ``leadheat bands --json`` prints.

    Args:
        scorer: with a model.
        calibration: the rows that the version's own bands were chosen on.
        dataset: with the scorer's schema.
        settings: of the data set.
        policies: by name.

    Raises:
        ModelError: the version scores by rules alone.
        DataError: the data end before anything could be tested.
    """
    if scorer.bands is None:
        raise ModelError("This version scores by the rules alone: it has no probability.", "Train a model with `leadheat train DATASET`.")
    snapshots = settings.snapshots.model_copy(update={"horizon": scorer.horizon})
    later = split(dataset, snapshots, settings.model.calibration_share).test
    later = later.take(later.as_of > calibration.as_of.max())
    if not len(later):
        hint = "Bring later data, or set an earlier [snapshots] test and train again."
        raise DataError(f"No matured snapshot is later than what version {scorer.version} learnt from.", hint)
    logger.info("scoring %d snapshots of the test part", len(later))
    scored = scorer.numbers(dataset.history, later.lead, later.as_of, os.cpu_count() or 1)
    test = Unseen.of(later, scored.probability)
    logger.info("following leads day by day")
    daily = follow(scorer, dataset, later)
    shown = [outlook(name, one, calibration, test, daily).to_dict() for name, one in policies.items()]
    return {"version": scorer.version, "calibration": about(calibration), "test": about(test), "policies": shown}


def _per_day(bands: Bands, rows: Unseen, level: int) -> float:
    return float((bands.of(rows.daily().probability) == level).sum()) / max(rows.days, 1)


def about(rows: Unseen) -> dict[str, Any]:
    """How much there is of a part, JSON-ready."""
    first, last = (from_micros(moment).date().isoformat() for moment in (rows.as_of.min(), rows.as_of.max()))
    leads = len(np.unique(rows.lead))
    return {"rows": len(rows), "positives": int(rows.label.sum()), "leads": leads, "days": rows.days, "from": first, "to": last}


def toml(settings: TemperatureSettings) -> str:
    """The ``[temperature]`` table to paste into leadheat.toml."""
    stated = settings.model_dump(exclude_none=True, exclude_defaults=True)
    return tomli_w.dumps({"temperature": {"policy": settings.policy, **stated}})


def candidates(
    stored: TemperatureSettings, written: TemperatureSettings, policies: Iterable[Policy], numbers: Mapping[str, float]
) -> dict[str, TemperatureSettings]:
    """The policies to look at, by name: the version's own first.

    Args:
        stored: of the version.
        written: in leadheat.toml.
        policies: those asked for. Without any, those that need no number, and those that the numbers belong to.
        numbers: of the ``[temperature]`` table, each for the policies that take it; ``hysteresis`` is for all.

    Raises:
        SettingsError: a policy lacks a number, or a number has no policy, or two.
    """
    shown = {STORED: stored} | ({} if written == stored else {WRITTEN: written})
    own = {name: value for name, value in numbers.items() if name != "hysteresis"}
    everywhere = {name: value for name, value in numbers.items() if name == "hysteresis"}
    asked = list(dict.fromkeys(policies)) or [*ALONE, *_named_by(own)]
    _check_owners(own, asked)
    for policy in asked:
        mine = {name: value for name, value in own.items() if name in NUMBERS[policy]}
        same = next((one for one in (written, stored) if one.policy == policy), None)
        base = same.model_dump(exclude_none=True) if same and not mine else {}
        settings = parse_settings(
            {**base, "policy": policy, **mine, **everywhere}, TemperatureSettings, f"--policy {policy}", _hint(policy)
        )
        if settings not in shown.values():
            shown[policy] = settings
    return shown


def _hint(policy: Policy) -> str:
    return f"Its options are {', '.join('--' + name.replace('_', '-') for name in NUMBERS[policy])}."


def _named_by(numbers: Iterable[str]) -> list[Policy]:
    """The policies, beside those that need no number, to which these numbers belong."""
    return [policy for policy in get_args(Policy) if policy not in ALONE and set(NUMBERS[policy]) & set(numbers)]


def _check_owners(numbers: Iterable[str], asked: Iterable[Policy]) -> None:
    for name in numbers:
        owners, option = [policy for policy in asked if name in NUMBERS[policy]], f"--{name.replace('_', '-')}"
        if not owners:
            takers = " or ".join(policy for policy in NUMBERS if name in NUMBERS[policy])
            raise SettingsError(
                f"{option} belongs to none of the policies asked for.", f"It is a number of {takers}: name that with --policy."
            )
        if len(owners) > 1:
            raise SettingsError(
                f"{option} means one thing to {owners[0]} and another to {owners[1]}.", "Ask for one of them with --policy."
            )
