"""Bodies of ``POST /score`` from the files of a simulated world; leadheat's own reading takes no part."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

_OWN = ("lead_id", "interaction_id", "occurred_at", "recorded_at", "type", "direction")
_LEAD = ("lead_id", "created_at")


def bodies(data: Path, lead_ids: Iterable[str], as_of: datetime) -> dict[str, dict[str, Any]]:
    """For each lead its body, with everything that the files hold."""
    wanted = set(lead_ids)
    interactions: defaultdict[str, list[dict[str, Any]]] = defaultdict(list)
    for row in pq.read_table(data / "interactions.parquet").to_pylist():
        if row["lead_id"] in wanted:
            interactions[row["lead_id"]].append(_plain({name: row[name] for name in _OWN[1:]}) | {"attributes": _others(row, _OWN)})
    return {
        row["lead_id"]: {
            "lead": {
                "lead_id": row["lead_id"],
                **_plain({"created_at": row["created_at"]}),
                "attributes": _others(row, ("lead_id", "created_at")),
            },
            "interactions": interactions[row["lead_id"]],
            "as_of": as_of.isoformat(),
        }
        for row in pq.read_table(data / "leads.parquet").to_pylist()
        if row["lead_id"] in wanted
    }


def _others(row: Mapping[str, Any], own: Iterable[str]) -> dict[str, Any]:
    return _plain({name: value for name, value in row.items() if name not in own})


def _plain(values: Mapping[str, Any]) -> dict[str, Any]:
    """Moments as ISO 8601; what is missing is left out."""
    stated = {name: value for name, value in values.items() if value is not None and value == value}  # noqa: PLR0124 - NaN is missing
    return {name: value.isoformat() if isinstance(value, datetime) else value for name, value in stated.items()}
