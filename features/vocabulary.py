"""Fitting the catalogue to a data set: which types and levels occur often enough to be known by name."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import numpy as np

from features.catalogue import OTHER, STREAMS, FeatureSet, FeatureSettings
from features.columns import Categorical
from features.consent import ConsentRule
from features.contract import NEVER, SettingsError
from features.history import History
from features.signals import PREFIXES, SignalSettings, fit_signals, literal_types, matching

RESERVED = frozenset({*STREAMS, OTHER, "activity", "time", "latest steps", "first touch"})
"""Names of groups and of reasons that no signal may bear."""
_PART = 1 << 16
"""So many codes are counted at a time, in a processor's own memory: NumPy makes longer numbers of them first."""


def fit_features(
    history: History,
    settings: FeatureSettings,
    signals: Mapping[str, SignalSettings],
    until: int = NEVER,
    keep_half_lives: Iterable[int] = (),
    keep_levels: Mapping[str, Iterable[str]] | None = None,
    excluded: tuple[str, ...] = (),
    consent: tuple[ConsentRule, ...] = (),
) -> FeatureSet:
    """Learn the vocabulary from what was known before ``until`` and name every feature.

    Args:
        history: the data set's histories.
        settings: the ``[features]`` table.
        signals: the ``[signals.*]`` tables.
        until: microseconds UTC; what became known at or after it teaches nothing, so that tests stay unseen.
        keep_half_lives: half-lives that others (the rules) need besides those of the settings.
        keep_levels: levels of lead attributes that others need however rare they are, by attribute.
        excluded: shell patterns of types that must never be seen; the history holds none of them.
        consent: the rules by which interactions count only with consent; they hold in the history.

    Raises:
        SettingsError: a signal has a reserved name.
    """
    _check_names(signals)
    seen = history.known_at < until
    leads = history.created_at < until
    counts = _counts(history.type, seen)
    declared = {kind for one in signals.values() for kind in matching(one.types, sorted(counts))} | literal_types(dict(signals))
    frequent = _frequent(counts, settings.max_types, settings.min_count)
    types = tuple(sorted(declared | set(frequent)))
    return FeatureSet(
        types=types,
        signals=fit_signals(dict(signals), types, RESERVED),
        windows=tuple(sorted(set(settings.windows))),
        half_lives=tuple(sorted({*settings.half_lives, *keep_half_lives})),
        session_gap=settings.session_gap,
        last_types=settings.last_types,
        numeric=tuple(sorted(history.attributes.numeric)),
        levels=_levels(history.attributes.categorical, seen, settings, {}),
        lead_numeric=tuple(sorted(history.lead_attributes.numeric)),
        lead_levels=_levels(history.lead_attributes.categorical, leads, settings, keep_levels or {}),
        excluded=excluded,
        consent=consent,
    )


def _check_names(signals: Mapping[str, SignalSettings]) -> None:
    for name in signals:
        if name in RESERVED or name.startswith(PREFIXES):
            raise SettingsError(f"[signals.{name}]: {name!r} is a word that leadheat uses itself.", "Give the signal another name.")


def _counts(column: Categorical, rows: np.ndarray) -> dict[str, int]:
    codes = column.codes if rows.all() else column.codes[rows]
    parts = np.array_split(codes, len(codes) // _PART + 1)
    counts = np.sum([np.bincount(part + 1, minlength=len(column.levels) + 1) for part in parts], axis=0)[1:].tolist()
    return {text: count for text, count in zip(column.levels, counts, strict=True) if count}


def _frequent(counts: Mapping[str, int], at_most: int, at_least: int) -> list[str]:
    """The most frequent texts, equals in alphabetical order."""
    often = sorted((-count, text) for text, count in counts.items() if count >= at_least)
    return [text for _, text in often[:at_most]]


def _levels(
    columns: Mapping[str, Categorical], rows: np.ndarray, settings: FeatureSettings, keep: Mapping[str, Iterable[str]]
) -> dict[str, tuple[str, ...]]:
    return {
        name: tuple(
            sorted(
                {
                    *_frequent(_counts(columns[name], rows), settings.max_levels, settings.min_count),
                    *_kept(columns[name], keep.get(name, ())),
                }
            )
        )
        for name in sorted(columns)
    }


def _kept(column: Categorical, levels: Iterable[str]) -> set[str]:
    """Those of the levels that occur at all, so that a misspelt one is found out and not learnt."""
    return set(levels) & set(column.levels)
