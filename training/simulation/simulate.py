"""A simulated world as a data set, with the true probability of every snapshot beside it."""

from __future__ import annotations

import tempfile
import tomllib
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from pydantic import Field

from features.contract import DAY, WEEK, SettingsError, Strict
from features.progress import progress
from training.simulation.clock import Clock
from training.simulation.dynamics import dynamics
from training.simulation.leaks import Leak, plant
from training.simulation.population import BLOCK, draw_block
from training.simulation.process import live
from training.simulation.records import MOMENT, WorldTables, interactions_table, outcomes_table, truth_table
from training.simulation.truth import Horizons, true_probability, truth_tables
from training.simulation.world_files import Period, readme, settings_text

START = datetime(2024, 1, 1, tzinfo=UTC)
WEEKS = 65
HORIZON = 30 * DAY
TABLES = ("interactions", "leads", "outcomes", "truth")
MARK = "simulated"
"""The names of simulated data sets begin with this word."""


class WorldSettings(Strict):
    """What may be different from the plain world.

    Attributes:
        hidden_intent: how much leads that look alike differ in what they want: the standard deviation of the logarithm of a factor on the
            hazard of winning, of mean 1, that nothing shows.
        base_rate_factor: by how much the hazard of winning has been multiplied at the end of the observed period, growing steadily.
        leaks: faults to plant, in this order.
    """

    hidden_intent: float = Field(default=0.0, ge=0, le=3)
    base_rate_factor: float = Field(default=1.0, ge=0.05, le=20)
    leaks: tuple[Leak, ...] = ()


@dataclass(frozen=True)
class Simulated:
    """What was written: the folder and how many rows of each kind it holds."""

    path: Path
    leads: int
    interactions: int
    won: int
    snapshots: int


def simulate(
    out: Path,
    leads: int,
    seed: int = 0,
    options: WorldSettings = WorldSettings(),  # noqa: B008  it is frozen
    start: datetime = START,
) -> Simulated:
    """Write a simulated data set: interactions, leads and outcomes, their settings, and the truth.

    The same leads, seed, options and start give the same bytes. A lead is the same in every world of the same seed and options.

    Args:
        out: the folder; a simulated data set that is there already is replaced, as a whole or not at all.
        leads: how many.
        seed: of everything random.
        options: what is different from the plain world.
        start: a midnight UTC.

    Raises:
        SettingsError: the folder holds something else, or there is nothing to simulate.
    """
    if leads < 1 or seed < 0:
        raise SettingsError(f"{leads} leads with seed {seed} make no world.", "Ask for one lead at least, and a seed from 0 on.")
    _refuse_to_overwrite(out)
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=out.parent, prefix=f".{out.name}-") as scratch:
            new = Path(scratch) / "new"
            new.mkdir()
            done = _write(new, _faulty(simulated_blocks(leads, seed, options, start), seed, options.leaks))
            _describe(new, leads, seed, options, start)
            if out.exists():
                out.rename(Path(scratch) / "old")
            new.rename(out)
    except OSError as error:
        raise SettingsError(f"The simulated world cannot be written to {out}: {error}.", "Name a folder that can be written to.") from error
    return Simulated(out, leads, *done)


def start_of(until: datetime) -> datetime:
    """When the latest world starts that ends before a moment, at a midnight UTC."""
    return START + (until - START) // timedelta(days=1) * timedelta(days=1) - timedelta(weeks=WEEKS)


def simulated_blocks(leads: int, seed: int, options: WorldSettings, start: datetime = START) -> Iterator[WorldTables]:
    """The world block by block, ``BLOCK`` leads at a time, in the order of their ids."""
    clock = Clock.starting(start, WEEKS * 7 + HORIZON // DAY)
    as_of = clock.moments[0] + np.arange(1, WEEKS + 1) * WEEK
    horizons = Horizons(clock.to_world_days(as_of), clock.to_world_days(as_of + HORIZON))
    end = float(horizons.begin[-1])
    world = dynamics(options.hidden_intent, float(np.log(options.base_rate_factor)) / end)
    truth = truth_tables(world, horizons)
    with progress("simulating leads", leads) as advance:
        for first in range(0, leads, BLOCK):
            starts, people = draw_block(seed, first // BLOCK, min(BLOCK, leads - first), end, hidden_intent=options.hidden_intent > 0)
            lives = live(world, starts, horizons.begin)
            yield WorldTables(
                interactions_table(lives, people, clock, int(as_of[-1])),
                people.add_column(1, "created_at", pa.array(clock.to_moments(starts.created)).cast(MOMENT)),
                outcomes_table(lives, people, clock),
                truth_table(lives, people, as_of, true_probability(world, truth, starts, lives)),
            )
            advance(BLOCK)


def _faulty(blocks: Iterator[WorldTables], seed: int, leaks: tuple[Leak, ...]) -> Iterator[WorldTables]:
    """The blocks as they are; to plant leaks, all of them as one."""
    if not leaks:
        yield from blocks
        return
    every = list(blocks)
    world = WorldTables(*(pa.concat_tables([getattr(block, name) for block in every]) for name in TABLES))
    for leak in leaks:
        world = plant(world, leak, np.random.default_rng(seed))
    yield world


def _write(folder: Path, blocks: Iterator[WorldTables]) -> tuple[int, int, int]:
    """Write the tables block by block; return the numbers of interactions, wins and snapshots."""
    writers: dict[str, pq.ParquetWriter] = {}
    interactions = won = snapshots = 0
    with ExitStack() as files:
        for block in blocks:
            for name in TABLES:
                table = getattr(block, name)
                if name not in writers:
                    path = folder / f"{name}.parquet"
                    writers[name] = files.enter_context(pq.ParquetWriter(path, table.schema, compression="zstd"))
                writers[name].write_table(table)
            interactions += block.interactions.num_rows
            won += pc.sum(pc.equal(block.outcomes["outcome"], "won"), min_count=0).as_py()
            snapshots += block.truth.num_rows
    return interactions, won, snapshots


def _describe(folder: Path, leads: int, seed: int, options: WorldSettings, start: datetime) -> None:
    period = Period(start, start + timedelta(weeks=1), start + timedelta(weeks=50), start + timedelta(weeks=WEEKS))
    (folder / "leadheat.toml").write_text(settings_text(leads, seed, period, HORIZON, WEEK), encoding="utf-8")
    changed = options.model_dump(exclude_defaults=True)
    words = ", ".join(f"{name} = {value}" for name, value in changed.items())
    (folder / "README.txt").write_text(readme(leads, seed, words, period, HORIZON), encoding="utf-8")


def is_simulated(folder: Path) -> bool:
    """Whether the folder holds a simulated data set."""
    try:
        settings = tomllib.loads((folder / "leadheat.toml").read_text(encoding="utf-8"))
        return str(settings["data"]["name"]).startswith(MARK)
    except (OSError, KeyError, TypeError, ValueError):
        return False


def _refuse_to_overwrite(out: Path) -> None:
    if not out.exists() or is_simulated(out) or (out.is_dir() and not any(out.iterdir())):
        return
    hint = "Name another folder: nothing but a simulated data set is replaced."
    raise SettingsError(f"{out} is there already and is no simulated data set.", hint)
