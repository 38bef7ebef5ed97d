"""The one feature set that model, rules and consent share."""

from __future__ import annotations

from features.catalogue import FeatureSet
from features.consent import ConsentRule
from features.contract import NEVER
from features.history import History
from features.vocabulary import fit_features
from models.settings import ScoringSettings


def fit_feature_set(
    history: History,
    settings: ScoringSettings,
    until: int = NEVER,
    excluded: tuple[str, ...] = (),
    consent: tuple[ConsentRule, ...] = (),
) -> FeatureSet:
    """Learn it from what was known before ``until`` (microseconds UTC); it has every column that rules and consent ask for.

    ``excluded`` are shell patterns of the types that no history may show it, ``consent`` the rules that every history is held to.
    """
    levels: dict[str, set[str]] = {}
    for needed in (settings.rules.levels_needed(), settings.consent.levels_needed()):
        for attribute, some in needed.items():
            levels.setdefault(attribute, set()).update(some)
    signals = {**settings.signals, **settings.consent.signals(history.type.levels)}
    return fit_features(history, settings.features, signals, until, [settings.rules.half_life], levels, excluded, consent)
