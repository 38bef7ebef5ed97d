"""What a lead's pages need of the store, read as of one moment."""

from __future__ import annotations

from typing import NamedTuple

from features.contract import NEVER
from features.history import History
from features.records import LeadRecord
from models.scorer import LeadScorer
from models.temperature import Temperature
from serving.champion import Scorer
from serving.errors import no_lead
from serving.memory import lead_view
from serving.memory.memory import Memory
from serving.memory.scoring import previous_band
from serving.memory.views import LeadView


class Read(NamedTuple):
    """All that the page needs of the store, as of one moment.

    Attributes:
        view: what ``GET /leads/{lead_id}`` tells.
        record: the lead as the scorer takes it.
        history: the same with the scorer's schema.
        unfitted: the scorer in service.
        scorer: fitted to the history.
        previous: the band before, for hysteresis.
        due: when an answer is due.
        handed_over_at: when the lead went to sales.
    """

    view: LeadView
    record: LeadRecord
    history: History
    unfitted: Scorer
    scorer: LeadScorer
    previous: Temperature | None
    due: int | None
    handed_over_at: int | None


def read(memory: Memory, scorer: Scorer, lead_id: str) -> Read:
    """All that is needed of a lead, in one transaction.

    Raises:
        RequestError: there is no such lead.
        StoreError: the store cannot be reached.
    """
    with memory.reading() as connection:
        looked = None if "\0" in lead_id else lead_view.look(connection, lead_id, scorer, repeatable=memory.repeatable)
    if looked is None:
        raise no_lead(hint="")
    standing = looked.lead.standing
    return Read(
        view=looked.view,
        record=looked.lead.record(),
        history=looked.scored.history,
        unfitted=scorer,
        scorer=looked.scored.scorer,
        previous=previous_band(looked.lead),
        due=standing.due if standing is not None and standing.due < NEVER else None,
        handed_over_at=None if standing is None else standing.handed_over_at,
    )
