"""Who the simulated leads are: drawn in blocks of fixed size, so that a lead is the same in every world of its seed, however large."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from scipy.special import ndtri

from training.simulation.dynamics import FIT_LEVELS, INTENT_QUANTILES, state_vector
from training.simulation.process import Starts
from training.simulation.world import EMPLOYEES, KIND, SIZE_POINTS, SIZES, SOURCES, TRAITS

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

BLOCK = 4096
_COLUMNS = ("created", "source", "employees", "known", "consent", "intent", *(trait.name for trait in TRAITS))


def draw_block(seed: int, block: int, size: int, world_days: float, *, hidden_intent: bool) -> tuple[Starts, pa.Table]:
    """The first ``size`` leads of a block as they begin, and their attributes.

    Args:
        seed: of the world.
        block: its number; lead ids count on from block to block.
        size: up to ``BLOCK``.
        world_days: leads arrive evenly over so many world days.
        hidden_intent: whether intent differs from lead to lead.

    Returns:
        What the process starts from, and a table of lead_id and the attributes, without the moment of creation.
    """
    sequence = np.random.SeedSequence([seed, block])
    uniform = dict(zip(_COLUMNS, np.random.default_rng(sequence).random((len(_COLUMNS), BLOCK))[:, :size], strict=True))
    source = _draw([one.share for one in SOURCES], uniform["source"])
    employees, scale = _employees(uniform["employees"], uniform["known"])
    points = np.array(SIZE_POINTS)[scale]
    columns: dict[str, pa.Array] = {"lead_id": [f"L{block * BLOCK + number + 1:07d}" for number in range(size)]}
    for trait in TRAITS:
        drawn = _draw([share for share, _ in trait.values.values()], uniform[trait.name])
        points = points + np.array([point for _, point in trait.values.values()])[drawn]
        columns[trait.name] = pa.array(list(trait.values), pa.string()).take(drawn)
    columns["employees"] = pa.array(employees, from_pandas=True)
    columns["source"] = pa.array([one.name for one in SOURCES]).take(source)
    consent = uniform["consent"] < np.array([one.consent for one in SOURCES])[source]
    columns["email_opt_in"] = pa.array(["no", "yes"]).take(consent.astype(np.int64))
    starts = Starts(
        seed=np.random.SeedSequence([seed, block, 1]).generate_state(BLOCK).astype(np.int64)[:size],
        created=uniform["created"] * world_days,
        segment=np.array([one.group for one in SOURCES])[source] * len(SIZES) + scale,
        fit=np.clip(points, FIT_LEVELS[0], FIT_LEVELS[-1]) - FIT_LEVELS[0],
        intent=(uniform["intent"] * INTENT_QUANTILES.size).astype(np.int64) * hidden_intent,
        first=np.array([KIND[one.first] for one in SOURCES])[source],
        states=np.array([state_vector(one.pushes, one.group) for one in SOURCES])[source],
    )
    return starts, pa.table(columns)


def _employees(uniform: Floats, known: Floats) -> tuple[Floats, Ints]:
    """The number of employees, NaN where it is missing, and the position of the size in ``SIZES``."""
    employees = np.ceil(np.exp(np.log(EMPLOYEES["median"]) + EMPLOYEES["spread"] * ndtri(uniform)))
    scale = np.digitize(employees, [EMPLOYEES["medium_from"], EMPLOYEES["large_from"]])
    missing = known < EMPLOYEES["missing"]
    return np.where(missing, np.nan, employees), np.where(missing, SIZES.index("medium"), scale)


def _draw(shares: list[float], uniform: Floats) -> Ints:
    return np.searchsorted(np.cumsum(shares) / sum(shares), uniform, side="right").clip(0, len(shares) - 1)
