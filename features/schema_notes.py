"""What there is to say of a share's attributes that nothing reads."""

from __future__ import annotations

import pyarrow as pa

from features.contract import Finding
from features.notes import Notes
from features.schema import Schema
from features.tables import NO_INTERACTIONS

_DETAIL = "leads have this attribute, which the model does not know; it changes nothing"
_HINT = "Is the name right? What the model shall learn is learnt by the next training; exclude_attributes under [data] leaves it out."


def unknown(leads: pa.Table, schema: Schema) -> Notes:
    """How many leads of a share have attributes that a schema does not name.

    Args:
        leads: normalised.
        schema: of who reads them.
    """
    names = sorted(Schema.of_tables(NO_INTERACTIONS, leads).lead_attributes - schema.lead_attributes)
    counts = [(name, len(leads) - leads[name].null_count) for name in names]
    return Notes(counted=tuple(Finding("info", "unknown_attribute", "leads", name, n, _DETAIL, _HINT) for name, n in counts if n))
