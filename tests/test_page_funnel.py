"""The funnel as a page: what it shows is what ``GET /funnel`` answers, in the words of both languages."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import insert

from features.contract import DAY, now
from features.store.schema import attributes, changes, interactions
from models.funnel import By
from serving.desk import Desk
from serving.funnel.counting import Period
from serving.funnel.report import report
from tests.test_funnel import attribute, change, interaction
from tests.test_page import ask

PAGE = "/reports/funnel"


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    """The rules alone, and a store with three leads."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LEADHEAT_HOME", str(tmp_path_factory.mktemp("home")))
        opened = Desk()
        fill(opened, now() - 40 * DAY)
        yield opened
        opened.close()


def fill(desk: Desk, begin: int) -> None:
    """Each lead was written to and asked; one had met us, another did not come; the third is <b>."""
    steps = [("mail_sent", 2), ("mail_reply", 1), ("demo_request", 1)]
    rows = [interaction(lead, begin + i * DAY, kind, way) for lead in ("ann", "bob", "cid") for i, (kind, way) in enumerate(steps)]
    rows += [interaction(lead, begin + 5 * DAY, kind, 1) for lead, kind in (("ann", "meeting_held"), ("bob", "no_show"))]
    rows += [interaction(lead, begin + 9 * DAY, "sales_call", 2) for lead in ("ann", "bob")]
    with desk.memory.writing() as connection:
        connection.execute(insert(interactions), rows)
        connection.execute(insert(changes), [change("ann", begin - DAY, 1), change("bob", begin - DAY, 0)])
        known = {"ann": ("software", 20.0), "bob": ("<b>", 600.0)}
        for lead, (industry, size) in known.items():
            connection.execute(insert(attributes), [attribute(lead, "industry", industry), attribute(lead, "employees", size)])


@pytest.mark.parametrize("by", ["temperature", "industry", "size", "role"])
def test_it_shows_what_the_route_answers(desk: Desk, by: By) -> None:
    page = ask(desk, f"{PAGE}?by={by}&lang=en")
    found = report(desk.memory, desk.settings, Period(now() - 90 * DAY, now()), by)
    shown = re.findall(r'<th role="rowheader" scope="row">(.*?)</th>', page.html)
    assert len(shown) == len(found.groups) + 1
    for one in (*found.groups, found.total):
        assert f"{one.response.count} of {one.response.of} touch" in page.text
        assert f"{one.first_response.answered} of {one.first_response.asked} lead" in page.text
    assert page.status == 200
    assert f'<option value="{by}" selected>' in page.html


def test_its_period_ends_with_the_day_that_is_named(desk: Desk) -> None:
    begin = datetime.now(UTC) - timedelta(days=40)
    for days, touches in ((14 - 1, "no touches"), (14, "3 of 3 touches")):
        day = begin + timedelta(days=days)
        page = ask(desk, f"{PAGE}?from={begin:%Y-%m-%d}&to={day:%Y-%m-%d}&lang=en")
        assert touches in page.text, days
        assert f'value="{day:%Y-%m-%d}"' in page.html


@pytest.mark.parametrize("query", ["from=2026-02-31", "from=2999-01-01", "from=2026-02-02&to=2026-02-01", "to=%22%3E%3Cb%3E"])
def test_what_is_no_period_is_said_beside_the_usual_one(desk: Desk, query: str) -> None:
    page = ask(desk, f"{PAGE}?{query}&by=nonsense&lang=en")
    assert page.status == 422
    assert "This is no period" in page.text
    assert f'value="{datetime.now(UTC) - timedelta(days=90):%Y-%m-%d}"' in page.html
    assert "3 of 5 touches" in page.text


def test_it_speaks_german_and_escapes_what_was_typed(desk: Desk) -> None:
    assert "Kalt" in ask(desk, f"{PAGE}?lang=de").text
    by_size = ask(desk, f"{PAGE}?by=size&lang=de").text
    assert all(word in by_size for word in ("Klein", "Groß", "Unbekannt", "Alle Leads", "1 von 1 Ansprache", "Frist: 14 Tage"))
    industry = ask(desk, f"{PAGE}?by=industry&lang=de").html
    assert "<bdi>&lt;b&gt;</bdi>" in industry
    assert "<b>" not in industry


def test_what_is_expected_is_told_of_cold_and_warm_leads(desk: Desk) -> None:
    assert ask(desk, f"{PAGE}?lang=en").text.count("Expected:") == 6
    assert "Expected: 1.0% to 3.0%" in ask(desk, f"{PAGE}?lang=en").text
