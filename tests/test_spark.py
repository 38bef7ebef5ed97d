"""Whole leads on Spark in this process: each is seen once, all its rows together, whatever the engine does with rows."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from features.contract import DataError, LeadheatError
from tests.clusters import local_session

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

LEADS = 2_000
SEEN = pa.schema([("lead_id", pa.string()), ("rows", pa.int64()), ("total", pa.float64()), ("call", pa.string())])


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


def seen(tables: dict[str, pa.Table]) -> Iterator[pa.Table]:
    """One row a lead: how many rows of it came along with it."""
    import uuid

    interactions = tables["interactions"].append_column("lead_id", tables["interactions"]["customer"].cast(pa.string()))
    of = interactions.group_by("lead_id").aggregate([("value", "count"), ("value", "sum")])
    assert {*of["lead_id"].to_pylist()} <= {*tables["leads"]["lead_id"].to_pylist()}
    both = tables["leads"].join(of, "lead_id").rename_columns(["lead_id", "rows", "total"])
    yield both.append_column("call", pa.repeat(str(uuid.uuid4()), len(both)))


def brought_together(leads: DataFrame, interactions: DataFrame, buckets: int) -> tuple[pa.Table, int]:
    """What ``seen`` saw, in the order of the leads, and how many groups there were."""
    from features.spark.shares import pour

    shares = pour({"leads": leads, "interactions": interactions}, {"leads": "lead_id", "interactions": "customer"}, buckets)
    table = shares.map(seen, SEEN).toArrow().sort_by("lead_id")
    shares.release()
    return table, int(shares.group_of[-1]) + 1


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
    assert len(set(table["call"].to_pylist())) == groups > 1


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


def test_hashes_go_by_the_text_of_an_id() -> None:
    pytest.importorskip("pyspark")
    from features.spark.parcels import lead_hashes

    texts = lead_hashes(pa.chunked_array([["1", "20", "300"], [None]]))
    for values in (pa.array([1, 20, 300, None]), pa.array([1.0, 20.0, 300.0, None]), pa.array(["1", "20", "300", ""]).dictionary_encode()):
        assert (lead_hashes(pa.chunked_array([values])) == texts).all()
    spread = lead_hashes(pa.chunked_array([[f"L-{i}" for i in range(100_000)]])) >> np.uint64(56)
    assert np.bincount(spread.astype(int), minlength=256).std() < 30


def test_an_error_of_a_task_arrives_in_its_own_words(spark: SparkSession) -> None:
    from features.spark.session import readable
    from features.spark.shares import pour

    frame = spark.createDataFrame(pa.table({"lead_id": ["a", "b"]}))

    def refuse(_: dict[str, pa.Table]) -> Iterator[pa.Table]:
        raise DataError("These leads are impossible.", "Write them [again].")

    def divide(_: dict[str, pa.Table]) -> Iterator[pa.Table]:
        yield pa.table({"x": [1 / 0]})

    shares = pour({"leads": frame}, {"leads": "lead_id"})
    with pytest.raises(DataError, match="impossible") as caught, readable():
        shares.map(refuse, pa.schema({"x": pa.float64()})).collect()
    assert (caught.value.message, caught.value.hint) == ("These leads are impossible.", "Write them [again].")
    with pytest.raises(LeadheatError, match=r"^Spark could not do it: ZeroDivisionError: division by zero\. With") as other, readable():
        shares.map(divide, pa.schema({"x": pa.float64()})).collect()
    assert "\n" not in str(other.value)
