"""The routes by which a person's data are taken out, and erased."""

from __future__ import annotations

from typing import Any

from starlette.requests import Request

from serving import erasure
from serving.access import caller_of
from serving.desk import Desk
from serving.endpoints import Endpoint
from serving.erasure import Receipt
from serving.errors import RequestError
from serving.export import export


async def erase(desk: Desk, request: Request, _asked: None) -> Receipt:
    """Erase a lead from the store, the score log and this worker; the sweeps see to the others."""
    by = caller_of(request) or "open"
    return await desk.run(_erase, desk, request.path_params["lead_id"], by)


def _erase(desk: Desk, lead_id: str, by: str) -> Receipt:
    desk.memory.open()
    return erasure.erase(desk.memory.engine, lead_id, by, desk.recorder.drop)


async def receipt(desk: Desk, request: Request, _asked: None) -> Receipt:
    """A receipt that was given.

    Raises:
        RequestError: 404 where there is none.
    """
    found = await desk.run(_receipt, desk, request.path_params["receipt_id"])
    if found is None:
        raise RequestError(404, "There is no such receipt.", "DELETE /leads/{lead_id} gives them.")
    return found


def _receipt(desk: Desk, receipt_id: str) -> Receipt | None:
    desk.memory.open()
    return erasure.receipt(desk.memory.engine, receipt_id)


async def take_out(desk: Desk, request: Request, _asked: None) -> dict[str, Any]:
    """All that is held of a lead.

    Raises:
        RequestError: 404 where that is nothing.
    """
    found = await desk.run(_export, desk, request.path_params["lead_id"])
    if found is None:
        raise RequestError(404, "Nothing is held of such a lead.", "It may never have been there, or be erased.")
    return found


def _export(desk: Desk, lead_id: str) -> dict[str, Any] | None:
    desk.memory.open()
    return export(desk.memory.engine, lead_id)


PRIVACY = (
    Endpoint(
        "DELETE",
        "/leads/{lead_id}",
        erase,
        None,
        Receipt,
        "erase",
        "Erase a lead and all that were merged with it; the receipt says nothing of whom, nor whether somebody was there before.",
    ),
    Endpoint(
        "GET",
        "/leads/{lead_id}/export",
        take_out,
        None,
        dict[str, Any],
        "erase",
        "All that is held of a lead, in one document.",
    ),
    Endpoint("GET", "/receipts/{receipt_id}", receipt, None, Receipt, "erase", "A receipt of an erasure."),
)
