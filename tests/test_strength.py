"""How strong a signal is when nobody says so."""

from __future__ import annotations

import pytest

from features.signals import Signal
from models.strength import strength_of


@pytest.mark.parametrize(
    ("name", "direction", "strength"),
    [
        ("demo_request", None, "strong"),
        ("Trial-Started", "inbound", "strong"),
        ("offer requested", None, "strong"),
        ("meeting_booked", None, "strong"),
        ("referral", None, "strong"),
        ("whitepaper_download", None, "medium"),
        ("webinar_attended", None, "medium"),
        ("newsletter_opened", None, "weak"),
        ("web_visit", None, "weak"),
        ("something_they_did", "inbound", "weak"),
        ("unsubscribed", None, "negative"),
        ("demo_no_show", None, "negative"),
        ("repeat_visit", None, "medium"),
        ("email_sent", None, None),
        ("sales_call", None, None),
        ("bought_list", None, None),
        ("demo_request", "outbound", None),
    ],
)
def test_strength_by_name(name: str, direction: str | None, strength: str | None) -> None:
    assert strength_of(Signal(name, (name,), direction)) == strength  # type: ignore[arg-type]


def test_a_declared_strength_outranks_the_name() -> None:
    assert strength_of(Signal("demo_request", ("demo_request",), "outbound", "weak")) == "weak"
