"""From a scorer's numbers to a table of scores, a row a snapshot: what batch writes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from features.catalogue import OTHER
from features.contract import DAY
from features.history import History
from models.consent import told_whys
from models.exploration import explored
from models.qualification import AGREEMENT, agreement
from models.reasons import Reason
from models.temperature import NAMES

if TYPE_CHECKING:
    from models.scorer import Integers, LeadScorer, Scored

_REASON = pa.struct([("signal", pa.string()), ("words", pa.string()), ("contribution", pa.float64())])
SCHEMA = pa.schema(
    [
        ("lead_id", pa.string()),
        ("as_of", pa.timestamp("us", "UTC")),
        ("probability", pa.float64()),
        ("horizon_days", pa.float64()),
        ("score", pa.float64()),
        ("temperature", pa.string()),
        ("log_odds", pa.float64()),
        ("points", pa.float64()),
        ("rules_temperature", pa.string()),
        ("agreement", pa.string()),
        ("stage", pa.string()),
        ("funnel", pa.string()),
        ("next_step", pa.string()),
        ("respond_within_minutes", pa.int64()),
        ("contactable", pa.bool_()),
        ("contactable_why", pa.string()),
        ("interactions_without_consent", pa.int64()),
        ("version", pa.string()),
        ("fingerprint", pa.string()),
        ("unknown_types", pa.bool_()),
        ("explored", pa.bool_()),
        ("base", pa.float64()),
        ("reasons", pa.list_(_REASON)),
        ("margin", pa.float64()),
        ("signal_sums", pa.list_(pa.float64())),
        ("cells", pa.binary(16)),
    ]
)
"""The columns; ``base``, ``reasons`` and ``signal_sums`` are null where no reasons were asked for, and for cold leads.

The last three are what a later run starts from (``models.earlier``): what the model itself gave, and for which rows it would again.
"""
FOR_LATER = ("margin", "signal_sums", "cells")


def score_table(
    scorer: LeadScorer, history: History, lead: Integers, as_of: Integers, threads: int = 1, *, explain: bool = False
) -> pa.Table:
    """Score m snapshots; arguments as of ``LeadScorer.score_many``. The table has the columns of ``SCHEMA``."""
    return table_of(scorer, history, lead, as_of, scorer.numbers(history, lead, as_of, threads), threads, explain=explain)


def table_of(
    scorer: LeadScorer, history: History, lead: Integers, as_of: Integers, scored: Scored, threads: int = 1, *, explain: bool = False
) -> pa.Table:
    """The same for numbers that are there already, those of ``LeadScorer.numbers``."""
    m, modelled, ids = len(lead), scorer.margin is not None, history.lead_ids.take(pa.array(lead))
    position, kinds = scorer.qualifier.qualify_many(scored.X, scored.temperature, scored.probability, scored.score)
    base, reasons, sums = _reasons(scorer, scored, threads) if explain and modelled else (pa.nulls(m), pa.nulls(m), pa.nulls(m))
    columns = {
        "lead_id": ids,
        "as_of": pa.array(as_of).cast(pa.timestamp("us", "UTC")),
        "probability": _or_null(scored.probability, modelled=modelled),
        "horizon_days": np.full(m, scorer.horizon / DAY),
        "score": _or_null(scored.score, modelled=modelled),
        "temperature": _texts(NAMES, scored.temperature),
        "log_odds": _or_null(scored.log_odds, modelled=modelled),
        "points": scored.points,
        "rules_temperature": _texts(NAMES, scored.rules_temperature),
        "agreement": _texts(AGREEMENT, agreement(scored.temperature, scored.rules_temperature)),
        "stage": _texts([kind.stage for kind in kinds], position),
        "funnel": _texts([kind.funnel for kind in kinds], position),
        "next_step": _texts([kind.next_step.words for kind in kinds], position),
        "respond_within_minutes": pa.array([kind.respond_within_minutes for kind in kinds], pa.int64()).take(pa.array(position)),
        "contactable": pa.array([kind.contactable.allowed for kind in kinds], pa.bool_()).take(pa.array(position)),
        "contactable_why": told_whys(
            [kind.contactable.why for kind in kinds], position.astype(np.int64), scorer.features, history, lead, as_of
        ),
        "interactions_without_consent": history.without_consent(lead, as_of),
        "version": pa.repeat(pa.scalar(scorer.version, pa.string()), m),
        "fingerprint": pa.repeat(pa.scalar(scorer.fingerprint, pa.string()), m),
        "unknown_types": scored.X[:, scorer.features.column(f"count({OTHER}, ever)")] > 0,
        "explored": explored(scorer.settings.exploration, ids.to_pylist, as_of, scored.temperature),
        "base": base,
        "reasons": reasons,
        "margin": _or_null(scored.margin, modelled=modelled),
        "signal_sums": sums,
        "cells": _as_bytes(scorer.cells_of(scored.X), m),
    }
    return pa.table([pa.array(columns[field.name]).cast(field.type) for field in SCHEMA], schema=SCHEMA)


def _texts(words: Sequence[str], codes: np.ndarray) -> pa.Array:
    return pa.array(words, pa.string()).take(pa.array(codes.astype(np.int64)))


def _or_null(values: np.ndarray, *, modelled: bool) -> pa.Array:
    return pa.array(values) if modelled else pa.nulls(len(values), pa.float64())


def _reasons(scorer: LeadScorer, scored: Scored, threads: int) -> tuple[pa.Array, pa.Array, pa.Array]:
    """Base, reasons and signal sums of the warm and hot rows."""
    rows = np.flatnonzero(scored.temperature > 0)
    base: list[float | None] = [None] * len(scored.X)
    reasons: list[list[dict[str, object]] | None] = [None] * len(scored.X)
    signal_sums = scorer.signal_sums(scored.X[rows], threads)
    sums, bases = scorer.calibrated(signal_sums, scored, rows)
    for i, row in enumerate(rows.tolist()):
        base[row] = float(bases[i])
        reasons[row] = [_plain(reason) for reason in scorer.explainer.reasons(scored.X[row], sums[i])]
    return pa.array(base, pa.float64()), pa.array(reasons, pa.list_(_REASON)), _lists(signal_sums, scored.temperature > 0)


def _lists(values: np.ndarray, some: np.ndarray) -> pa.Array:
    """Rows of a matrix as the lists of some rows of a column; the others are null."""
    ends = np.append(0, np.cumsum(some)) * values.shape[1]
    return pa.ListArray.from_arrays(pa.array(ends, pa.int32()), pa.array(values.ravel()), mask=pa.array(~some))


def _as_bytes(hashes: np.ndarray | None, m: int) -> pa.Array:
    if hashes is None:
        return pa.nulls(m)
    return pa.FixedSizeBinaryArray.from_buffers(pa.binary(16), m, [None, pa.py_buffer(hashes.tobytes())])


def _plain(reason: Reason) -> dict[str, object]:
    return {"signal": reason.signal, "words": reason.words, "contribution": reason.contribution}
