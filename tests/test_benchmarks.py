"""The benchmark judges fairly: it counts right, finds who counts wrong, ends what does not end, and its page says who wins."""

from __future__ import annotations

import copy
import json
import sys
import time
from typing import Any

import numpy as np
import psutil
import pyarrow as pa
import pytest

from features.contract import DAY
from features.history import micros
from features.intake import history_of
from models.calibration import to_probability
from models.request import read_request
from tests.benchmarks import features
from tests.benchmarks.contenders.registry import CONTENDERS
from tests.benchmarks.contenders.trainers import leadheat_trees
from tests.benchmarks.contenders.windows import COUNTS
from tests.benchmarks.cost import Size, exponent, fit_cost
from tests.benchmarks.limits import Limits, Outcome, limited_command
from tests.benchmarks.oracle import naive_counts
from tests.benchmarks.page import BEGIN, END, page, short, with_short
from tests.benchmarks.run import PLACE
from tests.benchmarks.serving.usual import SINCE, Request, features_of
from tests.benchmarks.tables import SORTED
from tests.benchmarks.train_share import Inside
from tests.benchmarks.training import made_for
from tests.benchmarks.world import MOMENT, World, make_world
from tests.conftest import REPO
from tests.small_world import SmallWorld

ENOUGH = Limits(60, 4)


@pytest.fixture(scope="module")
def edges() -> World:
    """Half days only, so that interactions lie on both edges of windows; and few leads, some with nothing before a look."""
    return make_world(3_000, 300, 30, skewed=True, grain=DAY // 2)


@pytest.mark.parametrize("name", CONTENDERS)
def test_every_contender_counts_as_plain_loops_do(name: str, edges: World) -> None:
    contender = CONTENDERS[name]
    result = contender.run(contender.prepared(edges))
    np.testing.assert_array_equal(contender.counts(result), naive_counts(edges, np.arange(300)))
    assert contender.columns(result) == len(COUNTS) if "leadheat" not in name else contender.columns(result) > 100


def test_who_counts_the_moment_itself_is_found_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(features, "SMALL", (3_000, 300))
    rows = np.arange(300)
    features.check("50-each", "honest", lambda small: naive_counts(small, rows))
    with pytest.raises(AssertionError, match="closed counts otherwise than plain loops"):
        features.check("50-each", "closed", lambda small: naive_counts(_a_moment_later(small), rows))


def _a_moment_later(world: World) -> World:
    later = world.snapshots.set_column(1, "as_of", pa.array(micros(world.snapshots["as_of"]) + 1, MOMENT))
    return World(world.interactions, world.leads, later)


def test_who_counts_otherwise_loses_its_time() -> None:
    runs = [{"seconds": one, "processor_seconds": one, "peak_gb": 1.0} for one in (3.0, 1.0, 2.0)]
    ours = features._outcome("leadheat", Outcome([*runs, {"digest": "a", "columns": 158}], None, 1.0), 60)
    wrong = features._outcome("numpy", Outcome([*runs, {"digest": "b", "columns": 24}], None, 1.0), 60)
    late = features._outcome("duckdb_join", Outcome([], "ended with -14", 1.0), 60)
    rows = features.agreed([ours, wrong, late])
    assert [row.seconds for row in rows] == [2.0, None, None]
    assert [row.failure for row in rows] == [None, "counts otherwise than leadheat", "stopped after 60 s"]


def test_a_contender_stopped_in_its_second_run_keeps_the_first() -> None:
    first = {"seconds": 9.0, "processor_seconds": 9.0, "peak_gb": 1.0}
    stopped = features._outcome("numpy", Outcome([first, {"digest": "a", "columns": 24}], "stopped after 10 s", 1.0), 60)
    assert (stopped.seconds, stopped.runs, stopped.failure) == (9.0, 1, None)


def test_a_skewed_world_has_leads_of_every_size_and_a_weekly_grid_no_look_twice() -> None:
    world = make_world(100_000, 20_000, 50, "weekly", skewed=True)
    sizes = np.sort(np.unique(world.interactions["lead_id"].to_numpy(), return_counts=True)[1])
    assert 1_000 < sizes[-1] < 2_000  # one in 70 of all, more than one in 100 as there are fewer leads
    assert np.median(sizes) < 40
    looks = set(zip(world.snapshots["lead_id"].to_pylist(), micros(world.snapshots["as_of"]).tolist(), strict=True))
    assert len(looks) == 20_000
    assert {moment % (7 * DAY) for _, moment in looks} == {0}


def test_a_process_that_does_not_end_is_ended_with_its_children_and_keeps_what_it_said() -> None:
    code = "import subprocess, sys; child = subprocess.Popen(['sleep', '60']); print(child.pid, flush=True); child.wait()"
    outcome = limited_command([sys.executable, "-c", code], Limits(1.5, 4))
    assert outcome.failure == "stopped after 2 s"
    (child,) = outcome.answers
    for _ in range(50):
        if not psutil.pid_exists(child) or psutil.Process(child).status() == psutil.STATUS_ZOMBIE:
            return
        time.sleep(0.1)
    pytest.fail("its child lives on")


def test_a_process_that_takes_too_much_memory_is_ended() -> None:
    code = "import time; much = bytearray(400_000_000); much[::4096] = b'x' * len(much[::4096]); time.sleep(30)"
    outcome = limited_command([sys.executable, "-c", code], Limits(20, 0.2))
    assert outcome.failure == "out of memory: over 0.2 GB"
    assert outcome.peak_gb > 0.2


def test_a_process_that_fails_says_why() -> None:
    outcome = limited_command([sys.executable, "-c", "print(1); raise ValueError('no such column')"], ENOUGH)
    assert (outcome.answers, outcome.failure) == ([1], "ValueError: no such column")


def test_the_exponent_is_that_of_a_power_and_leaves_small_sizes_out() -> None:
    runs = [Size(10**n, 10**n // 50, 3e-7 * 10 ** (1.3 * n)) for n in (6, 7, 8)]
    assert exponent([Size(10_000, 200, 99.0), *runs]) == pytest.approx(1.3)
    assert exponent(runs[:1]) is None


def test_the_model_of_the_cost_finds_what_made_the_times() -> None:
    sizes = [(10**n, 10**n // each) for n in (5, 6, 7) for each in (50, 500)]
    cost = fit_cost([Size(rows, leads, 2 + 3e-7 * rows + 4e-6 * leads) for rows, leads in sizes])
    assert (cost.fixed, cost.per_interaction, cost.per_lead) == pytest.approx((2, 3e-7, 4e-6))
    assert cost.residuals == pytest.approx([0] * 6, abs=1e-9)
    assert cost.on_cluster(10**10, 2 * 10**8, machines=10, factor=2) == pytest.approx(2 + 2 * (3000 + 800) / 10)


def test_the_model_of_the_cost_never_gains_time_and_wants_two_densities() -> None:
    sizes = [(10**n, 10**n // each) for n in (5, 6) for each in (50, 500)]
    assert fit_cost([Size(rows, leads, 1 + 1e-6 * rows - 3e-6 * leads) for rows, leads in sizes]).per_lead == 0
    with pytest.raises(ValueError, match="at least two densities"):
        fit_cost([Size(10**n, 10**n // 50, 1.0) for n in (5, 6, 7)])


def test_time_inside_counts_once_for_calls_within_calls_and_ends_with_an_error() -> None:
    class Work:
        @staticmethod
        def outer(times: int) -> float:
            return 1 / times if times < 2 else Work.outer(times - 1)

    moments = iter([1.0, 4.0, 10.0, 12.0])
    inside = Inside(lambda: next(moments))
    inside.wrap(Work, "outer")
    assert Work.outer(3) == 1
    assert inside.seconds == 3
    with pytest.raises(ZeroDivisionError, match="division"):
        Work.outer(0)
    assert inside.seconds == 5


def test_the_page_says_who_wins() -> None:
    results = _results(ours=2.0, polars=1.0)
    assert "The fastest peer is Polars: leadheat's whole catalogue is **2.0 times slower**" in page(results)
    assert "Polars, 24 counts only: 1.00 s | 2.0 times slower |" in short(results)
    assert "Beside prefix sums written by hand leadheat is 4.0 times slower." in page(results)
    results = _results(ours=2.0, polars=9.0)
    assert "leadheat's whole catalogue is **4.5 times faster** (asked: 2.5 times faster)" in page(results)
    assert "| Polars | 24 | 9.00 s | 9.00 s | 1.00 GB | 4.50 |" in page(results)


def test_the_page_tells_of_who_failed_and_never_calls_it_the_fastest() -> None:
    results = _results(ours=2.0, polars=9.0)
    results["features"]["worlds"][0]["rows"].append(_row("duckdb_join", "DuckDB", None) | {"failure": "stopped after 20 s"})
    assert "| DuckDB | stopped after 20 s |" in page(results)
    assert "The fastest peer is Polars" in page(results)
    results["features"]["worlds"][0]["rows"] = results["features"]["worlds"][0]["rows"][:1]
    assert "There is nothing to compare." in page(results)


def test_no_peer_is_taken_for_one_that_begins_with_sorted_data() -> None:
    assert {name for name in CONTENDERS if name.endswith(SORTED)} == {name for name, one in CONTENDERS.items() if one.ready}


def test_batch_is_told_beside_the_sort_of_the_same_files_and_who_failed_has_no_ratio() -> None:
    size = {"interactions": 25_000_000, "leads": 500_000}
    rows = [_row(*one) | size for one in (("duckdb", "DuckDB", 20.0), ("bands", "no reasons", 30.0), ("reasons", "reasons", None))]
    rows[2] |= {"failure": "out of memory: over 4 GB"}
    results = _results(ours=2.0, polars=9.0) | {"batch": {"rows": rows}}
    assert "| no reasons | 30.00 s | 60.0 s | 30.0 s | 1.00 GB | 1.50 |" in page(results)
    assert "| reasons | out of memory: over 4 GB |" in page(results)
    assert "| 30.00 s | DuckDB: 20.00 s | 1.5 times slower |" in short(results)
    rows[0] |= {"seconds": None, "failure": "stopped after 450 s"}
    assert "| no reasons | 30.00 s | 60.0 s | 30.0 s | 1.00 GB |  |" in page(results)
    assert "DuckDB" not in short(results)


def test_spark_is_told_beside_its_sql_and_beside_one_machine() -> None:
    size = {"interactions": 1_000, "leads": 20, "snapshots": 50}
    rows = [_row(*one) | size for one in (("local", "one machine", 20.0), ("spark", "local[2]", 50.0), ("cluster_1", "1", 70.0))]
    rows.append(_row("cluster_2", "2", None) | size | {"failure": "scores otherwise than one machine"})
    world = size | {"rows": [_row("leadheat_spark", "ours", 10.0), _row("sql_join", "Spark SQL", 30.0)]}
    results = _results(ours=2.0, polars=9.0) | {"spark": {"rows": rows, "world": world}}
    assert "| local[2] | 50.00 s | 1.00 GB | 2.50 |" in page(results)
    assert "| 2 | scores otherwise than one machine |" in page(results)
    assert "A second worker" not in page(results)
    assert "| 50.00 s | leadheat without Spark: 20.00 s | 2.5 times slower |" in short(results)
    assert "| 10.00 s | Spark SQL, 24 counts only: 30.00 s | 3.0 times faster |" in short(results)
    rows[-1] = _row("cluster_2", "2", 35.0) | size
    assert "A second worker makes the run 2.0 times faster." in page(_results(2.0, 9.0) | {"spark": {"rows": rows, "world": world}})
    unmade = {"title": "even", "failure": "stopped after 450 s", "rows": []}
    assert "Not measured: stopped after 450 s" in page(results | {"spark": {"rows": rows, "world": unmade}})
    assert "Not measured: there is no Java" in page(results | {"spark": {"rows": [], "failure": "there is no Java"}})


def test_the_readme_is_changed_between_its_marks_alone() -> None:
    results = _results(ours=2.0, polars=9.0)
    once = with_short(f"before\n{BEGIN}\nold\n{END}\nafter\n", results)
    assert once == f"before\n{BEGIN}\n{short(results)}\n{END}\nafter\n"
    assert with_short(once, results) == once
    with pytest.raises(ValueError, match="the README needs one"):
        with_short("nothing", results)


def test_the_published_page_is_that_of_the_published_results() -> None:
    results = json.loads((PLACE / "results.json").read_text())
    assert (PLACE / "README.md").read_text() == page(results)
    readme = (REPO / "README.md").read_text()
    assert with_short(readme, results) == readme


def test_all_learn_from_what_leadheat_learns_from(world: SmallWorld) -> None:
    matrices = made_for(world.dataset, world.parts, world.settings)
    assert not (matrices.later & ~matrices.held_out).any()
    learnt = leadheat_trees(matrices)
    assert learnt.rounds == world.scorer.facts["trees"]
    test = world.parts.test
    raw = world.scorer.numbers(world.dataset.history.with_schema(world.scorer.schema), test.lead, test.as_of).margin
    np.testing.assert_array_equal(learnt.probability, to_probability(raw))


def test_the_usual_service_counts_as_leadheat_does(world: SmallWorld) -> None:
    types = [group.removeprefix("type:") for group in world.scorer.features.groups if group.startswith("type:")]
    days = [0, 1, 7, 8, 30, 90, 91]
    rows = [{"type": types[i % 2], "occurred_at": f"2024-{1 + day // 28:02d}-{1 + day % 28:02d}T00:00:00Z"} for i, day in enumerate(days)]
    body = {"lead": {"lead_id": "one"}, "interactions": rows, "as_of": "2024-04-08T00:00:00Z", "explain": False}
    asked = read_request(json.dumps(body))
    assert asked.as_of is not None
    X = world.scorer.numbers(history_of([asked.record()], world.scorer.schema), np.zeros(1, np.int64), np.array([asked.as_of])).X
    frame = features_of(Request.model_validate(body), types)
    counts = [name for name in frame.columns if ", " in name]
    ours = [X[0, world.scorer.features.column(f"count(type:{name})")] for name in counts]
    assert frame[counts].to_numpy()[0].tolist() == ours
    assert sum(ours) > 0
    assert frame[SINCE][0] == pytest.approx(X[0, world.scorer.features.column(SINCE)])


def _row(name: str, title: str, seconds: float | None) -> dict[str, Any]:
    columns = 158 if name == "leadheat" else 24
    made = {"seconds": seconds, "processor_seconds": seconds, "peak_gb": 1.0, "columns": columns, "runs": 1, "digest": "a", "failure": None}
    return {"contender": name, "title": title, **made}


def _results(ours: float, polars: float) -> dict[str, Any]:
    world = {"world": "50-each", "title": "even", "interactions": 1000, "snapshots": 100, "leads": 20, "busiest": 70}
    rows = [_row(*one) for one in (("leadheat", "leadheat", ours), ("polars_merged", "Polars", polars), ("numpy", "NumPy", 0.5))]
    machine = {"processors": 2, "memory_gb": 24.0, "python": "Python 3", "versions": {"numpy": "2"}}
    return copy.deepcopy({"machine": machine, "features": {"worlds": [world | {"rows": rows}]}})
