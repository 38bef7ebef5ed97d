"""The routes of the page."""

from __future__ import annotations

from serving.endpoints import Endpoint
from serving.keys import Scope
from serving.page import decide, funnel, lead, render, sign_in, static, whatif, worklist

_NO_LEAD = {404: "There is no such lead."}
_WRONG = {422: "The form says something that cannot be."}


def _page(method: str, path: str, view: render.View, scope: Scope | None, summary: str, refusals: dict[int, str] | None = None) -> Endpoint:
    return Endpoint(method, path, render.page(view), None, None, scope, summary, media_type="text/html", refusals=refusals or {})


PAGE = (
    _page("GET", "/", worklist.worklist, "read", "For people: whom to call first, and why.", _WRONG),
    _page("GET", "/lead", lead.find, "read", "For people: find a lead by its id.", _NO_LEAD),
    _page("GET", "/lead/{lead_id}", lead.lead, "read", "For people: one lead, its chance over time, and why.", _NO_LEAD),
    _page("GET", "/lead/{lead_id}/what-if", whatif.whatif, "read", "For people: what one interaction more would mean.", _NO_LEAD | _WRONG),
    _page("POST", "/lead/{lead_id}/overrides", decide.decide, "write", "For people: decide otherwise than the model.", _NO_LEAD | _WRONG),
    _page("GET", "/reports/funnel", funnel.funnel, "read", "For people: what becomes of the leads, by group and over a period.", _WRONG),
    _page("GET", "/sign-in", sign_in.form, None, "For people: the form for a key."),
    _page(
        "POST",
        "/sign-in",
        sign_in.sign_in,
        None,
        "For people: have the browser keep a key.",
        {403: "The key is not valid."},
    ),
    _page("POST", "/sign-out", sign_in.sign_out, None, "For people: have the browser forget its key."),
    Endpoint("GET", "/static/{name}", static.static, None, None, None, "The page's own files.", media_type="text/css"),
)
