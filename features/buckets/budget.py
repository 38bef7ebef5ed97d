"""How much memory a data set takes, and into how many buckets it is poured so that a budget holds."""

from __future__ import annotations

import os
from pathlib import Path

import pyarrow as pa

from features.data_settings import DataSettings
from features.streams import size_in_memory

SHARE = 0.5
"""Of the machine's memory, where no budget is named."""
SMALLEST = 10**9
"""The smallest budget, in bytes: the libraries alone take half of it."""
_LIBRARIES = 600 << 20
_COPIES = 8
"""How often the rows of a bucket are in memory at once, at most: as they came, as text, as histories, as features and scores."""
_LARGEST_BUCKET = 64 << 20
_MOST = 512
"""Buckets at most, for each is an open file while it is poured."""


def default_budget() -> int:
    """Bytes: a share of this machine's memory, or of what its control group is left."""
    machine = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    try:
        group = int(Path("/sys/fs/cgroup/memory.max").read_text(encoding="ascii"))
    except (OSError, ValueError):  # no such group, or "max"
        group = machine
    return int(min(machine, group) * SHARE)


def give_back() -> None:
    """Return to the system what Arrow has freed: it keeps that for itself, and what works next does not take it from there."""
    pa.default_memory_pool().release_unused()


def buckets_for(settings: DataSettings, root: Path, budget: int) -> int:
    """How many buckets keep the work within a budget of bytes; one where all of the data do.

    Raises:
        DataError: a file is not there.
    """
    size = size_of(settings, root)
    left = max(budget - _LIBRARIES, budget // 4)
    if size * _COPIES <= left:
        return 1
    threads = os.cpu_count() or 1
    return min(max(-(-size * _COPIES * threads // left), -(-size // _LARGEST_BUCKET)), _MOST)


def size_of(settings: DataSettings, root: Path) -> int:
    """About how many bytes the tables take in memory as they come."""
    return sum(size_in_memory(table, root, name) for name, table in settings.tables.items() if table.in_files)
