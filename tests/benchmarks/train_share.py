"""How much of ``leadheat train``'s time is spent inside LightGBM and the kernel: the command itself, with both measured from outside.

Called as a process with a data set.
"""

from __future__ import annotations

import functools
import json
import os
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, redirect_stdout
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from tests.benchmarks.limits import Limits, limited, peak_memory
from training.simulation.simulate import simulate

WARM_LEADS = 2_000
"""A world of so many leads is trained on first, so that no run waits for the compiler."""


class Inside:
    """Seconds of the clock during which at least one thread is inside some functions; calls within calls count once."""

    def __init__(self, clock: Callable[[], float] = time.perf_counter) -> None:
        self._clock = clock
        self.seconds = 0.0
        self._calls = 0
        self._since = 0.0
        self._lock = threading.Lock()

    def wrap(self, owner: Any, *names: str) -> None:
        """Put functions that are measured in the place of ``owner``'s."""
        for name in names:
            setattr(owner, name, self._measured(getattr(owner, name)))

    def _measured(self, function: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(function)
        def measured(*arguments: Any, **named: Any) -> Any:
            with self._lock:
                self._calls += 1
                if self._calls == 1:
                    self._since = self._clock()
            try:
                return function(*arguments, **named)
            finally:
                with self._lock:
                    self._calls -= 1
                    if self._calls == 0:
                        self.seconds += self._clock() - self._since

        return measured


def measure(sizes: Sequence[int], most: Limits) -> Iterator[dict[str, Any]]:
    """Train on simulated worlds of so many leads each with its settings as they are.

    Yields:
        A row for each: ``leads``, ``interactions``, ``seconds`` of all, ``lightgbm`` and ``kernel`` of them, and the ``share`` of both;
        or a ``failure``.
    """
    for leads in (WARM_LEADS, *sorted(sizes)):
        with tempfile.TemporaryDirectory() as scratch:
            world, home = Path(scratch) / "world", Path(scratch) / "home"
            simulate(world, leads, seed=1)
            interactions = pq.read_metadata(world / "interactions.parquet").num_rows
            outcome = limited(__name__, world, limits=most, extra={"LEADHEAT_HOME": str(home)})
        if leads != WARM_LEADS:
            answer = {} if outcome.failure else outcome.answers[-1]
            yield {"leads": leads, "interactions": interactions, **answer, "failure": outcome.failure}


@contextmanager
def _left() -> Iterator[None]:
    """Go on after the command has left, also with a version that was refused."""
    try:
        yield
    except SystemExit as end:
        if end.code not in (0, 1):
            raise


def train(dataset: str) -> dict[str, Any]:
    """Run ``leadheat train`` in this process, from its first import on."""
    started, used = time.perf_counter(), time.process_time()
    import lightgbm

    import leadheat
    from features.native import calling

    learning, filling = Inside(), Inside()
    learning.wrap(lightgbm, "train")
    learning.wrap(lightgbm.Booster, "__init__", "predict", "model_to_string")
    filling.wrap(calling, "fill")
    with Path(os.devnull).open("w") as nowhere, redirect_stdout(nowhere), _left():
        leadheat.main(["train", dataset, "--json"])
    seconds = time.perf_counter() - started
    return {
        "seconds": seconds,
        "processor_seconds": time.process_time() - used,
        "lightgbm": learning.seconds,
        "kernel": filling.seconds,
        "share": (learning.seconds + filling.seconds) / seconds,
        "peak_gb": peak_memory(),
    }


if __name__ == "__main__":
    print(json.dumps(train(sys.argv[1])))
