"""How the tables of a data set are read: from files, or from the store, whose libraries are loaded for those who keep one only."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from features.data_settings import STORE, DataSettings, TableSettings
from features.files import RawTable, load

Load = Callable[[TableSettings, str], RawTable]


@dataclass(frozen=True)
class Loading:
    """How the tables of a data set are read.

    Attributes:
        load: reads one of them; raises a ``DataError`` where it cannot.
        observed_until: until when the store watched its leads, microseconds UTC; None for files, which do not know.
    """

    load: Load
    observed_until: int | None = None


def loading(settings: DataSettings, root: Path) -> AbstractContextManager[Loading]:
    """What reads the tables of a data set from files, and all those that lie in the store from one moment of it."""
    of_files = partial(_of_files, root=root)
    tables = (settings.leads, settings.interactions, settings.outcomes)
    if not any(one is not None and one.path == STORE for one in tables):
        return nullcontext(Loading(of_files))
    from features.store.dataset import loading_store

    return loading_store(of_files)


def _of_files(settings: TableSettings, table: str, root: Path) -> RawTable:
    return load(settings, root, table)
