"""Naming the features of a data set, before anything is computed or learnt."""

from __future__ import annotations

from features.catalogue import FeatureSet
from features.dataset import Dataset
from models.consent import permitting_values
from models.feature_set import fit_feature_set
from models.rules import Rules
from models.settings import Settings
from training.split import Split


def features_of(dataset: Dataset, parts: Split, settings: Settings) -> FeatureSet:
    """What the features of these data are called, as the training part shows them; rules and consent must fit them.

    Raises:
        SettingsError: ``[rules]`` or ``[consent]`` name what the data do not have. That is told here, before anything is learnt.
    """
    features = fit_feature_set(
        dataset.history, settings.scoring, int(parts.train.as_of.max()), settings.data.exclude_types, settings.data.consent
    )
    Rules(settings.rules, features)
    for _, ground in settings.consent.grounds():
        permitting_values(ground, features)
    return features
