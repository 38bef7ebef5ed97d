"""A data set in hash buckets of whole leads, each of which fits into memory."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path

import pyarrow as pa

from features.buckets.budget import give_back
from features.buckets.cache import cached, key_of
from features.buckets.pour import Poured, pour
from features.closings import NO_OUTCOMES
from features.contract import DataError, Finding, LeadheatError
from features.data_settings import DataSettings
from features.dataset import Dataset
from features.loading import loading
from features.notes import NOTES, Notes, conclude, merged
from features.progress import progress
from features.schema import Schema
from features.sources import Checked, Kinds, Tables, check_tables, join_all
from features.tables import NO_INTERACTIONS, NO_LEADS

_WHOLE = "whole.json"


class DamagedError(LeadheatError):
    """The files of a bucket do not hold what was poured into them."""


@dataclass(frozen=True, eq=False)
class Buckets:
    """A data set, checked as a whole, that is read bucket by bucket.

    Attributes:
        settings: the ``[data]`` part of ``leadheat.toml``.
        poured: the tables.
        kinds: what their attributes hold, over all buckets.
        notes: of each bucket.
        whole: no rows, but what is known of all: findings, end and fingerprint.
        consent: what there is to say of the data set's own rules of consent, over all buckets; ``whole`` has none of it, for who reads
            a bucket may ask for more.
    """

    settings: DataSettings
    poured: Mapping[str, Poured]
    kinds: Kinds
    notes: tuple[Notes, ...]
    whole: Tables
    consent: Notes

    def __len__(self) -> int:
        return len(self.notes)

    def tables(self, number: int) -> Tables:
        """The tables of one bucket, with what is known of the whole.

        Raises:
            DamagedError: its files were changed.
        """
        try:
            raw = {name: replace(one.bucket(number), kinds=self.kinds.get(name, {})) for name, one in self.poured.items()}
            checked = check_tables(self.settings, raw)
        except (pa.ArrowException, OSError) as error:
            raise _damaged() from error
        if checked.notes.content != self.notes[number].content:
            raise _damaged()
        return checked.tables(self.whole.findings, self.whole.observed_until, self.whole.fingerprint)

    def dataset(self, number: int, schema: Schema | None = None, threads: int | None = None) -> Dataset:
        """The histories and outcomes of one bucket; ``schema`` as in ``History.from_tables``, errors as of ``tables``."""
        data, tables = self.settings, self.tables(number)
        return Dataset.from_tables(data.name, tables, repeatable=data.repeatable, schema=schema, consent=data.consent, threads=threads)


@contextmanager
def in_buckets(settings: DataSettings, root: Path, count: int, cache: Path) -> Iterator[Buckets]:
    """A data set in so many buckets, from the cache where its files have not changed, for as long as the block lasts.

    Raises:
        DataError: as for ``read_tables``.
        LeadheatError: the disk of the cache is full, or fails.
    """
    key = key_of(settings, root, count)
    make = partial(_make, settings, root, count, key)
    anew = False
    while True:
        with cached(cache, key, make, anew=anew) as folder:
            try:
                buckets = _open(settings, folder)
            except (OSError, ValueError):
                if anew:
                    raise
                anew = True
                continue
            try:
                yield buckets
            except DamagedError:
                shutil.rmtree(folder, ignore_errors=True)
                raise
            return


def _damaged() -> DamagedError:
    return DamagedError("The cache was changed or damaged while it was in use.", "Repeat the command: what is damaged is made anew.")


def _make(settings: DataSettings, root: Path, count: int, key: str | None, folder: Path) -> None:
    """Pour and check a data set into an empty folder."""
    with loading(settings, root) as source:
        poured: dict[str, Poured] = {}
        failures: list[Finding] = []
        for name, table in settings.tables.items():
            try:
                stream = source.stream(table, name)
                with progress(f"sorting the {name} into {count} buckets", stream.size) as advance:
                    poured[name] = pour(stream, folder, name, table.source().get("lead_id", "lead_id"), count, advance)
                give_back()
            except DataError as error:
                failures += error.findings
        kinds, notes, consent = _check(settings, poured, count)
        give_back()
        findings = conclude(settings, [*notes, Notes(said=tuple(failures))])
        observed_until = merged(notes).observed_until(settings, source.observed_until)
    if key is not None and key != key_of(settings, root, count):
        raise DataError("A file of the data set was changed while it was read.", "Repeat the command when nothing writes to it.")
    told = {
        "findings": [asdict(finding) for finding in findings],
        "observed_until": observed_until,
        "kinds": kinds,
        "notes": [NOTES.dump_python(one, mode="json") for one in notes],
        "consent": NOTES.dump_python(consent, mode="json"),
        "tables": {name: one.untyped for name, one in poured.items()},
        "sizes": {file.name: file.stat().st_size for file in sorted(folder.iterdir())},
    }
    (folder / _WHOLE).write_text(json.dumps(told), encoding="utf-8")


def _check(settings: DataSettings, poured: Mapping[str, Poured], count: int) -> tuple[Kinds, list[Notes], Notes]:
    """What the attributes hold, the notes of each bucket, and what there is to say of consent."""

    def check(number: int, kinds: Kinds | None = None) -> tuple[Kinds, Notes, Notes]:
        raw = {name: one.bucket(number) for name, one in poured.items()}
        if kinds is not None:
            raw = {name: replace(one, kinds=kinds[name]) for name, one in raw.items()}
        checked = check_tables(settings, raw)
        advance(1)
        return checked.kinds, checked.notes, _consent(settings, checked)

    with progress(f"checking {count} buckets", count) as advance, ThreadPoolExecutor(os.cpu_count() or 1) as pool:
        first = list(pool.map(check, range(count)))
        kinds = join_all(own for own, *_ in first)
        again = [number for number, (own, *_) in enumerate(first) if own != kinds]
        for number, one in zip(again, pool.map(lambda number: check(number, kinds), again), strict=True):
            first[number] = one
    return kinds, [notes for _, notes, _ in first], merged(consent for *_, consent in first)


def _consent(settings: DataSettings, checked: Checked) -> Notes:
    """What there is to say of the rules of consent in one bucket, if its tables can be used."""
    if not settings.consent or any(one.severity == "error" for one in checked.notes.findings):
        return Notes()
    tables = checked.tables((), checked.notes.latest, checked.notes.fingerprint)
    schema = Schema.of_tables(NO_INTERACTIONS, tables.leads)  # what somebody does not know is told when he reads
    return Dataset.from_tables(settings.name, tables, schema=schema, consent=settings.consent, threads=1, as_listed=True).notes


def _open(settings: DataSettings, folder: Path) -> Buckets:
    """What ``_make`` has left.

    Raises:
        ValueError: it is damaged.
        OSError: likewise.
    """
    told = json.loads((folder / _WHOLE).read_text(encoding="utf-8"))
    if any((folder / name).stat().st_size != size for name, size in told["sizes"].items()):
        raise ValueError("a file of the cache was changed")
    notes = tuple(map(NOTES.validate_python, told["notes"]))
    poured = {name: Poured(folder, name, lambda *_: "", untyped, ()) for name, untyped in told["tables"].items()}
    findings = tuple(Finding(**one) for one in told["findings"])
    whole = Tables(NO_INTERACTIONS, NO_LEADS, NO_OUTCOMES, told["observed_until"], findings, merged(notes).fingerprint)
    return Buckets(settings, poured, told["kinds"], notes, whole, NOTES.validate_python(told["consent"]))
