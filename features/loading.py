"""How the tables of a data set are read: from files, databases, or the store; libraries are loaded by those who keep such only."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from features.data_settings import STORE, DataSettings, TableSettings
from features.files import load
from features.raw import RawTable
from features.streams import Stream, stream_files

if TYPE_CHECKING:
    from features.postgres.reading import Snapshot

Load = Callable[[TableSettings, str], RawTable]


@dataclass(frozen=True)
class Loading:
    """How the tables of a data set are read.

    Attributes:
        load: reads one of them; raises a ``DataError`` where it cannot.
        observed_until: until when the store watched its leads, microseconds UTC; None for files, which do not know.
        streams: reads one of them in batches; None where all are read at once.
    """

    load: Load
    observed_until: int | None = None
    streams: Callable[[TableSettings, str], Stream] | None = None

    def stream(self, settings: TableSettings, table: str) -> Stream:
        """A table in batches; raises a ``DataError`` where it cannot be read."""
        return Stream.of_table(self.load(settings, table)) if self.streams is None else self.streams(settings, table)


@contextmanager
def loading(settings: DataSettings, root: Path) -> Iterator[Loading]:
    """What reads the tables of a data set: from files, and all those that lie in one database, or in the store, from one moment of it.

    Raises:
        DataError: a database cannot be reached.
    """
    tables = [one for one in (settings.leads, settings.interactions, settings.outcomes) if one is not None]
    with ExitStack() as stack:
        servers = {path: stack.enter_context(_snapshot(path)) for path in dict.fromkeys(one.path for one in tables if one.on_server)}

        def read(settings: TableSettings, table: str) -> RawTable:
            return servers[settings.path].table(settings, table) if settings.on_server else load(settings, root, table)

        if any(one.path == STORE for one in tables):
            from features.store.dataset import loading_store

            source = stack.enter_context(loading_store(read))
        else:
            source = Loading(read)
        yield replace(source, streams=partial(_stream, source, servers, root))


def _stream(source: Loading, servers: Mapping[str, Snapshot], root: Path, settings: TableSettings, table: str) -> Stream:
    if settings.path == STORE:
        return Stream.of_table(source.load(settings, table))
    if settings.on_server:
        return Stream.of_ranges((one.name, one.batches()) for one in servers[settings.path].ranges(settings, table))
    return stream_files(settings, root, table)


def _snapshot(url: str) -> AbstractContextManager[Snapshot]:
    from features.postgres.reading import snapshot

    return snapshot(url)
