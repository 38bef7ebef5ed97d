"""Whole leads on Spark in this process: each is seen once, all its rows together, whatever the engine does with rows."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from features.compute import compute
from features.contract import DAY, DataError, Finding, LeadheatError
from features.data_settings import DataSettings
from features.dataset import Dataset
from models.registry import Registry
from serving.batch import score_share, score_to
from serving.output import ScoreFile
from tests.benchmarks.contenders.registry import ON_SPARK
from tests.benchmarks.contenders.windows import COUNTS
from tests.benchmarks.oracle import naive_counts
from tests.benchmarks.world import make_world
from tests.clusters import local_session
from tests.small_model import small_scorer
from tests.small_world import SmallWorld
from tests.test_pyfunc import BODIES, expected
from tests.tracked import FIGURES, GATES

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

    from serving.batch import Done

LEADS = 2_000
SEEN = pa.schema([("lead_id", pa.string()), ("rows", pa.int64()), ("total", pa.float64()), ("group", pa.int64())])


@pytest.fixture(scope="module")
def spark() -> Iterator[SparkSession]:
    with local_session() as session:
        yield session


@pytest.fixture(scope="module")
def rows() -> pa.Table:
    """Interactions of leads that are numbers; lead 7 has half of them."""
    random = np.random.default_rng(0)
    lead = np.where(random.random(60_000) < 0.5, 7, random.integers(0, LEADS, 60_000))
    return pa.table({"customer": pa.array(lead, pa.int32()), "value": np.arange(60_000.0)})


def seen(group: int, tables: dict[str, pa.Table]) -> Iterator[pa.Table]:
    """One row a lead: how many rows of it came along with it."""
    interactions = tables["interactions"].append_column("lead_id", tables["interactions"]["customer"].cast(pa.string()))
    of = interactions.group_by("lead_id").aggregate([("value", "count"), ("value", "sum")])
    assert {*of["lead_id"].to_pylist()} <= {*tables["leads"]["lead_id"].to_pylist()}
    both = tables["leads"].join(of, "lead_id").rename_columns(["lead_id", "rows", "total"])
    yield both.append_column("group", pa.repeat(pa.scalar(group, pa.int64()), len(both)))


def brought_together(leads: DataFrame, interactions: DataFrame, buckets: int) -> tuple[pa.Table, int]:
    """What ``seen`` saw, in the order of the leads, and how many groups there were."""
    from features.spark.shares import pour

    shares = pour({"leads": leads, "interactions": interactions}, {"leads": "lead_id", "interactions": "customer"}, buckets)
    table = shares.map(seen, SEEN).toArrow().sort_by("lead_id")
    shares.release()
    return table, shares.groups


@pytest.mark.parametrize(("row_group", "partitions", "buckets"), [(999, 7, 256), (60_000, 1, 2)])
def test_every_lead_is_seen_once_with_all_its_rows(
    spark: SparkSession, rows: pa.Table, tmp_path: Path, row_group: int, partitions: int, buckets: int
) -> None:
    pq.write_table(rows, tmp_path / "rows.parquet", row_group_size=row_group)
    leads = spark.createDataFrame(pa.table({"lead_id": [str(lead) for lead in range(LEADS)]})).repartition(partitions)
    table, groups = brought_together(leads, spark.read.parquet(str(tmp_path)).repartition(partitions), buckets)
    lead, value = rows["customer"].to_numpy(), rows["value"].to_numpy()
    assert table["lead_id"].to_pylist() == sorted(map(str, range(LEADS)))
    number = np.array(table["lead_id"].to_pylist()).astype(int)
    assert (table["rows"].fill_null(0).to_numpy() == np.bincount(lead, minlength=LEADS)[number]).all()
    assert (table["total"].fill_null(0).to_numpy() == np.bincount(lead, value, minlength=LEADS)[number]).all()
    assert len(set(table["group"].to_pylist())) == groups > 1


def test_a_heavy_bucket_is_a_group_of_its_own_and_the_others_are_alike() -> None:
    pytest.importorskip("pyspark")
    from features.spark.shares import groups

    sizes = np.full(1024, 10)
    sizes[500] = 100_000
    of = groups(sizes, 1_000)
    held = np.bincount(of, sizes)
    assert (np.diff(of) >= 0).all()
    assert (of == of[500]).sum() == 1
    assert held[np.arange(len(held)) != of[500]].max() <= 1_000
    assert len(held) == 12


def test_an_error_of_a_task_arrives_in_its_own_words(spark: SparkSession) -> None:
    from features.spark.session import readable
    from features.spark.shares import pour

    frame = spark.createDataFrame(pa.table({"lead_id": ["a", "b"]}))

    def refuse(_group: int, _: dict[str, pa.Table]) -> Iterator[pa.Table]:
        raise DataError("These leads are impossible.", "Write them [again].")

    def divide(_group: int, _: dict[str, pa.Table]) -> Iterator[pa.Table]:
        yield pa.table({"x": [1 / 0]})

    shares = pour({"leads": frame}, {"leads": "lead_id"})
    with pytest.raises(DataError, match="impossible") as caught, readable():
        shares.map(refuse, pa.schema({"x": pa.float64()})).collect()
    assert (caught.value.message, caught.value.hint) == ("These leads are impossible.", "Write them [again].")
    with pytest.raises(LeadheatError, match=r"^Spark could not do it: ZeroDivisionError: division by zero\. With") as other, readable():
        shares.map(divide, pa.schema({"x": pa.float64()})).collect()
    assert "\n" not in str(other.value)


def on_spark(world: SmallWorld, settings: DataSettings, root: Path, out: Path) -> Done:
    from serving.spark import ModelFiles, score_data

    return score_data(settings, root, ModelFiles.of(world.folder / "model"), ScoreFile(out / "spark.parquet"))


def on_both(world: SmallWorld, settings: DataSettings, root: Path, out: Path) -> pa.Table:
    """Score a data set on Spark and on this machine, and compare what was noticed, band by band, and of which data."""
    dataset = Dataset.read(settings, root, world.scorer.schema)
    done = on_spark(world, settings, root, out)
    assert done.as_of == dataset.observed_until + 1
    assert done.bands == score_to(ScoreFile(out / "local.parquet"), world.scorer, dataset, done.as_of).bands
    assert plainly(done.findings) == plainly(dataset.findings)
    there, here = (pq.read_table(out / name).sort_by("lead_id") for name in ("spark.parquet", "local.parquet"))
    assert there.equals(here)
    return here


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("LEADHEAT_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


@pytest.mark.usefixtures("spark")
def test_scores_are_those_of_one_machine_to_the_last_bit(world: SmallWorld, tmp_path: Path, home: Path) -> None:
    local = on_both(world, world.settings.data, world.folder / "data", tmp_path)
    assert len(local) > 100
    assert local["reasons"].null_count < len(local)
    (log,) = (home / "scores").glob("batch-*.parquet")  # one file: both runs are the same run
    assert len(pq.read_table(log)) == len(local)


def frames_of(spark: SparkSession, data: Path) -> dict[str, DataFrame]:
    return {name: spark.read.parquet(str(data / f"{name}.parquet")) for name in ("leads", "interactions", "outcomes")}


def test_frames_give_the_same_scores_and_training_features(spark: SparkSession, world: SmallWorld) -> None:
    from features.spark.matrix import sampled, to_matrix, training_features
    from serving.spark import FRAME, ModelFiles, score_frames

    data, frames, history = world.settings.data, frames_of(spark, world.folder / "data"), world.dataset.history
    scores = score_frames(data, frames, ModelFiles.of(world.folder / "model"), world.now + 1).toArrow().sort_by("lead_id")
    here, _ = score_share(world.scorer, world.dataset, world.now + 1, 0)
    assert scores.cast(FRAME).equals(here.select(FRAME.names).sort_by("lead_id"))

    some = world.parts.test
    table = pa.table({"lead_id": history.lead_ids.take(pa.array(some.lead)), "as_of": some.as_of, "label": some.label})
    table = table.set_column(1, "as_of", table["as_of"].cast(pa.timestamp("us", "UTC")))
    snapshots = sampled(spark.createDataFrame(table), 0.5)
    matrix = to_matrix(world.scorer.features, training_features(world.scorer.features, data, frames, snapshots))
    about = matrix.about
    assert 0.4 < len(about) / len(table) < 0.6
    assert about.column_names == ["lead_id", "as_of", "label"]
    lead = pc.index_in(about["lead_id"], history.lead_ids).to_numpy().astype(np.int64)
    as_of = about["as_of"].cast(pa.int64()).to_numpy()
    np.testing.assert_array_equal(matrix.X, compute(world.scorer.features, history.with_schema(world.scorer.schema), lead, as_of))
    expected = dict(zip(zip(some.lead.tolist(), some.as_of.tolist(), strict=True), some.label.tolist(), strict=True))
    assert about["label"].to_pylist() == [expected[pair] for pair in zip(lead.tolist(), as_of.tolist(), strict=True)]
    stranger = spark.createDataFrame(table.slice(0, 1).set_column(0, "lead_id", pa.array(["nobody"])))
    with pytest.raises(DataError, match="There are snapshots of leads that are not in the leads table"):
        to_matrix(world.scorer.features, training_features(world.scorer.features, data, frames, stranger, buckets=2))


def test_the_champion_as_a_function_of_spark_says_what_the_scorer_says(spark: SparkSession, registry: Registry, tmp_path: Path) -> None:
    scorer = small_scorer(tmp_path / "model")
    with registry.run("real") as run:
        version = run.log_model(tmp_path / "model", scorer.fingerprint, BODIES[0], FIGURES, GATES, "")
    registry.promote(version, "the only one")
    import mlflow.pyfunc  # by now the registry has imported it, without its warnings

    mlflow.set_tracking_uri(registry.uri)
    score = mlflow.pyfunc.spark_udf(spark, "models:/leadheat@champion", env_manager="local")
    rows = spark.createDataFrame(pa.table({"lead": [json.dumps(body) for body in BODIES]}))
    told = {row["score"]["lead_id"]: row["score"].asDict() for row in rows.select(score("lead").alias("score")).collect()}
    assert told == {body["lead"]["lead_id"]: expected(scorer, body) for body in BODIES}


@pytest.mark.usefixtures("spark", "home")
def test_messy_files_give_the_same_scores_and_findings(world: SmallWorld, tmp_path: Path) -> None:
    data = tmp_path / "data"
    data.mkdir()
    leads = [f'{number};2024-0{1 + number % 9}-03 07:00;{number if number % 5 else ""};"DE\n""{number}"""' for number in range(60)]
    (data / "leads.csv").write_text("\n".join(["id;created_at;employees;country", *leads, leads[7], "", ";2024-01-01;1;x"]) + "\n")
    kinds = (*("page_view", "newsletter_open", "demo_request", "unheard of") * 20, "")
    for part in range(3):
        lead = np.arange(part, 400, 3) % 61
        rows = {
            "lead": pa.array(lead, pa.float64() if part == 1 else pa.int32()),
            "occurred_at": pa.array(np.datetime64("2024-10-27T00:30:00") + lead * np.timedelta64(3, "h"), pa.timestamp("s")),
            "type": pa.array([kinds[number % len(kinds)] for number in np.arange(part, 400, 3)]).dictionary_encode(),
            "interaction_id": [f"i{number % 50}" for number in lead],
        }
        pq.write_table(pa.table(rows), data / f"events-{part}.parquet", row_group_size=40)
    closed = ["lead_id,closed_at,outcome", "3,2024-11-01,won", "5,,", "3,2024-11-02,lost", "4,later,won", "99,2024-11-01,won", ""]
    (data / "outcomes.csv").write_text("\n".join(closed))
    settings = DataSettings.model_validate(
        {
            "leads": {"path": "leads.csv", "columns": {"lead_id": "id"}},
            "interactions": {"path": "events-*.parquet", "columns": {"lead_id": "lead"}},
            "outcomes": {"path": "outcomes.csv"},
            "timezone": "Europe/Berlin",
        }
    )
    with pytest.raises(DataError, match="cannot be used") as here:
        Dataset.read(settings, data, world.scorer.schema)
    with pytest.raises(DataError, match="cannot be used") as there:
        on_spark(world, settings, data, tmp_path)
    assert plainly(there.value.findings) == plainly(here.value.findings)
    (data / "outcomes.csv").write_text("\n".join(closed[:3]))
    on_both(world, settings, data, tmp_path)


def plainly(findings: Iterable[Finding]) -> set[Finding]:
    return {replace(one, example="") for one in findings}


@pytest.mark.usefixtures("spark")
@pytest.mark.parametrize("name", ON_SPARK)
def test_every_contender_of_the_benchmark_counts_as_plain_loops_do(name: str) -> None:
    edges = make_world(3_000, 300, 30, skewed=True, grain=DAY // 2)
    contender = ON_SPARK[name]
    result = contender.run(contender.prepared(edges))
    np.testing.assert_array_equal(contender.counts(result), naive_counts(edges, np.arange(300)))
    assert contender.columns(result) == len(COUNTS) if "sql" in name else contender.columns(result) > 100
