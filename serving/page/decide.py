"""The form by which a person decides otherwise than the model, or takes a decision back."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import cast

from sqlalchemy import Connection
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from features.contract import DAY, now
from models.score import OverriddenField
from serving.deciding import changed
from serving.desk import Desk
from serving.overrides import FIELDS, VALUES, Override, put_override, remove_override
from serving.page import lead, render, told
from serving.page.language import Language

LONGEST = {"words": 200, "reason": 500, "by": 100}
"""Characters of each field; the form takes no more."""


async def decide(desk: Desk, request: Request, t: Language) -> Response:
    """Take the form, and show the lead again: as it stands then, or with what is wrong with the form.

    Raises:
        RequestError: there is no such lead.
    """
    lead_id = request.path_params["lead_id"]
    form = render.form_of(await request.body())
    field = cast("OverriddenField", form.get("field"))
    if form.get("do") == "end" and field in FIELDS:
        await desk.run(changed, desk.memory, lead_id, partial(_end, field=field))
    else:
        override = _read(t, form, desk.settings.qualification.longest_override)
        if isinstance(override, str):
            return await lead.show(desk, request, t, lead_id, problem=override, filled=form)
        await desk.run(changed, desk.memory, lead_id, partial(put_override, override=override))
    return RedirectResponse(f"{told.lead_address(lead_id)}#overrides", 303, render.HEADERS)


def _end(connection: Connection, lead_id: str, field: OverriddenField) -> None:
    """Take a decision back; that it may be gone already is all the same to who wants it gone."""
    remove_override(connection, lead_id, field)


def _read(t: Language, form: Mapping[str, str], longest: int) -> Override | str:
    """The decision, or what is wrong with the form."""
    field, _, value = form.get("decision", "").partition(":")
    words, reason, by = (form.get(name, "").strip().replace("\0", "")[: LONGEST[name]] for name in ("words", "reason", "by"))
    value = words if field == "next_step" else value
    until = t.midnight(form.get("until", ""), 1)
    moment = now()
    wrong = {
        "decision": field not in FIELDS or (field in VALUES and value not in VALUES[field]),
        "words": not value,
        "reason": not reason,
        "until": until is None or not moment < until <= moment + longest + DAY,
        "who": not by,
    }
    problem = next((name for name, bad in wrong.items() if bad), None)
    if problem is not None or until is None:
        return t(f"override.bad_{problem}", latest=t.date(t.local(moment + longest)))
    return Override(cast("OverriddenField", field), value, reason, by, moment, until)
