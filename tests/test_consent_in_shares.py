"""What is said of consent is the same, whether a data set is read at once, in buckets, or sampled."""

from __future__ import annotations

import shutil
from collections.abc import Iterable
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from features.buckets.buckets import in_buckets
from features.buckets.budget import SMALLEST
from features.consent import ConsentRule
from features.contract import DataError, Finding
from features.data_settings import DataSettings
from features.dataset import Dataset
from features.notes import Notes
from models.settings import Source
from serving.bucketed import score_buckets
from serving.output import ScoreFile
from serving.working import Work
from tests.small_world import SmallWorld
from tests.test_within import too_much
from training.check import check

RULES = (
    ConsentRule(types=("page_visit", "never_*"), granted=("rare_*",)),
    ConsentRule(types=("newsletter",), attribute="permission"),
)


@pytest.fixture
def data(world: SmallWorld, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[DataSettings, Path]:
    """The small world with rules of consent, and one interaction that grants it: all buckets but one know of no such type."""
    monkeypatch.setenv("LEADHEAT_SCORE_LOG", str(tmp_path / "log"))
    monkeypatch.setenv("LEADHEAT_CACHE", str(tmp_path / "cache"))
    folder = tmp_path / "data"
    shutil.copytree(world.folder / "data", folder)
    rows = pq.read_table(folder / "interactions.parquet")
    one = rows.slice(0, 1)
    for name, value in (("type", "rare_event"), ("interaction_id", "the grant")):
        one = one.set_column(one.column_names.index(name), rows.schema.field(name), pa.array([value]))
    pq.write_table(pa.concat_tables([rows, one]), folder / "interactions.parquet")
    return world.settings.data.model_copy(update={"consent": RULES}), folder


def plainly(findings: Iterable[Finding]) -> list[tuple[str, str, int]]:
    return sorted((one.code, one.detail, one.count) for one in findings if one.code != "sampled")


def test_in_buckets_and_after_a_stop_as_at_once(
    data: tuple[DataSettings, Path], world: SmallWorld, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings, folder = data
    dataset, place = Dataset.read(settings, folder, world.scorer.schema), ScoreFile(tmp_path / "scores.parquet")
    told = plainly(dataset.findings)
    assert [code for code, _, _ in told].count("pattern_without_match") == 1
    assert {"consent_not_told", "without_consent"} <= {code for code, _, _ in told}
    put, kept = Work.put, list[int]()

    def fails(work: Work, share: int, scores: pa.Table, log: pa.Table, notes: Notes) -> None:
        if len(kept) == 3:
            raise KeyboardInterrupt("stopped by hand")
        kept.append(share)
        put(work, share, scores, log, notes)

    with in_buckets(settings, folder, 7, tmp_path / "cache") as buckets:
        monkeypatch.setattr(Work, "put", fails)
        with pytest.raises(KeyboardInterrupt, match="stopped by hand"):
            score_buckets(place, world.scorer, buckets, world.now, place.working)
        monkeypatch.setattr(Work, "put", put)
        done = score_buckets(place, world.scorer, buckets, world.now, place.working, resume=True)
    assert plainly(done.findings) == told


def test_a_sampled_check_says_it_of_all(data: tuple[DataSettings, Path], world: SmallWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    settings, folder = data
    source = Source(world.settings.model_copy(update={"data": settings}), folder)
    whole = check(source)
    monkeypatch.setattr("training.check.to_check", too_much)
    sample = check(source, SMALLEST)
    assert sample.dataset is not None
    assert sample.dataset.share < 0.5
    codes = {"consent_not_told", "without_consent", "pattern_without_match"}
    there, here = ([one for one in checked.findings if one.code in codes] for checked in (sample, whole))
    assert plainly(there) == plainly(here)
    assert len(here) == 3


def test_a_table_that_lacks_a_column_is_told_and_no_rule_stumbles_over_it(data: tuple[DataSettings, Path], tmp_path: Path) -> None:
    settings, folder = data
    rows = pq.read_table(folder / "interactions.parquet")
    pq.write_table(rows.drop_columns(["occurred_at"]), folder / "interactions.parquet")
    with pytest.raises(DataError, match="occurred_at"), in_buckets(settings, folder, 3, tmp_path / "cache"):
        pass
