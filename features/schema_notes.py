"""What there is to say of a share's attributes that nothing reads."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import pyarrow as pa

from features.contract import Finding
from features.notes import Notes
from features.schema import Schema
from features.sources import Tables

_DETAIL = "have this attribute, which the model does not know; it changes nothing"
_HINT = "Is the name right? What the model shall learn is learnt by the next training; exclude_attributes under [data] leaves it out."


def unknown(tables: Tables, schema: Schema) -> Notes:
    """How many leads, and how many interactions, of a share have attributes that a schema does not name.

    Args:
        tables: of the share.
        schema: of who reads them.
    """
    given = Schema.of_tables(tables.interactions, tables.leads)
    of_leads = _told("leads", tables.leads, given.lead_attributes - schema.lead_attributes)
    return Notes(counted=(*of_leads, *_told("interactions", tables.interactions, given.row_attributes - schema.row_attributes)))


def _told(name: str, rows: pa.Table, attributes: Iterable[str]) -> Iterator[Finding]:
    counts = [(attribute, len(rows) - rows[attribute].null_count) for attribute in sorted(attributes)]
    return (Finding("info", "unknown_attribute", name, attribute, n, f"{name} {_DETAIL}", _HINT) for attribute, n in counts if n)
