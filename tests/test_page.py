"""The page without a browser: what it answers, in which language, with which headers, and what it leaves alone."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from html import unescape
from pathlib import Path
from typing import Any
from urllib.parse import quote, unquote, urlencode

import pytest
from starlette.requests import Request

from features.contract import now
from serving import keys
from serving.desk import Desk
from serving.endpoints import Routes
from serving.page import static
from serving.page.routes import PAGE
from tests import paged
from tests.asgi import request as scope_of
from tests.small_world import SmallWorld

ROUTES = Routes(PAGE)
LEADS = 70


@dataclass(frozen=True)
class Page:
    """An answer, as text."""

    status: int
    headers: dict[str, str]
    html: str

    @property
    def text(self) -> str:
        """What a person reads, roughly."""
        return re.sub(r"\s+", " ", unescape(re.sub(r"<[^>]*>", " ", self.html.partition("</head>")[2])))

    @property
    def onward(self) -> list[str]:
        """Where the next page is, if there is one."""
        return [unescape(href) for href in re.findall(r'href="([^"]*)" rel="next"', self.html)]

    def links(self, pattern: str) -> list[str]:
        return [unescape(href) for href in re.findall(r'href="([^"]*)"', self.html) if re.match(pattern, unescape(href))]


def ask(desk: Desk, path: str, form: dict[str, str] | None = None, **headers: str) -> Page:
    """A page, as the gate would have it answered."""
    method = "GET" if form is None else "POST"
    place, _, query = path.partition("?")
    endpoint, parts = ROUTES.find(method, place)
    scope = scope_of(place, headers) | {"method": method, "query_string": query.encode(), "path_params": parts}

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": urlencode(form or {}).encode()}

    response = asyncio.run(endpoint.respond(desk, Request(scope, receive)))
    return Page(response.status_code, dict(response.headers), bytes(response.body).decode())


@pytest.fixture(scope="module")
def desk(world: SmallWorld, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    """The small world's scorer in service, and a store with some of its leads."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LEADHEAT_HOME", str(tmp_path_factory.mktemp("home")))
        paged.promote(world.folder / "model")
        opened = Desk()
        opened.watch.look()
        history = world.dataset.history.with_schema(world.scorer.schema)
        paged.fill(opened.memory, history, paged.choose(world.scorer, world.dataset, LEADS), now())
        yield opened
        opened.close()


@pytest.fixture
def bare(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Desk]:
    """The rules alone, and an empty store."""
    monkeypatch.setenv("LEADHEAT_HOME", str(tmp_path))
    opened = Desk()
    yield opened
    opened.close()


def some_lead(desk: Desk) -> str:
    return ask(desk, "/").links("/lead/")[0]


def test_the_pages_of_the_worklist_hold_every_lead_once(desk: Desk) -> None:
    first = ask(desk, "/")
    (onward,) = first.onward
    second = ask(desk, onward)
    found = first.links("/lead/") + second.links("/lead/")
    assert len(first.links("/lead/")) == 50
    assert len(found) == len(set(found)) == LEADS
    assert "/" in second.links("/$")


def test_the_tabs_count_the_leads_of_each_band_and_show_them(desk: Desk) -> None:
    page = ask(desk, "/")
    counts = dict(re.findall(r"(All|Hot|Warm|Cold) (\d+)", page.text.partition("Filter")[0]))
    assert sum(int(counts[name]) for name in ("Hot", "Warm", "Cold")) == int(counts["All"]) == LEADS
    hot = ask(desk, "/?temperature=hot")
    assert len(hot.links("/lead/")) == int(counts["Hot"]) > 0
    assert hot.html.count('<span class="band hot">') == int(counts["Hot"])


def test_a_place_in_the_list_that_is_none_is_told(desk: Desk) -> None:
    page = ask(desk, "/?after=nonsense")
    assert page.status == 422
    assert "after is no cursor of this list. Take it as the page before gave it" in page.text


def test_looking_for_nothing_leads_to_the_worklist(desk: Desk) -> None:
    page = ask(desk, "/lead?id=+")
    assert (page.status, page.headers["location"]) == (303, "/")


def test_filters_narrow_the_list(desk: Desk) -> None:
    owned = ask(desk, "/?owner=Petra+Lang").links("/lead/")
    assert 0 < len(owned) < LEADS
    both = ask(desk, "/?owner=Petra+Lang&segment=country%3A+DE&stage=&since=").links("/lead/")
    assert set(both) < set(owned)
    tomorrow = datetime.now(UTC) + timedelta(days=2)
    assert "No lead fits these filters" in ask(desk, f"/?since={tomorrow:%Y-%m-%d}").text


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ("segment=retail", "Write the attribute, a colon, and its value"),
        ("segment=contry:DE", "No lead has the attribute contry. Did you mean country?"),
        ("segment=zzz:DE", "No lead has the attribute zzz."),
        ("since=yesterday", "Write the day as 2026-01-31"),
    ],
)
def test_a_filter_that_cannot_be_read_is_told_and_the_list_is_shown(desk: Desk, query: str, words: str) -> None:
    page = ask(desk, f"/?{query}")
    assert page.status == 422
    assert words in page.text
    assert len(page.links("/lead/")) == 50


@pytest.mark.parametrize(
    "query", ["after=nonsense", "temperature=boiling", "stage=x", "owner=" + "x" * 300, "a=1&a=2", "%00=%ff", "owner=%00"]
)
def test_no_query_breaks_the_worklist(desk: Desk, query: str) -> None:
    assert ask(desk, f"/?{query}").status in {200, 422}


def test_a_lead_s_page_tells_all_of_it(desk: Desk) -> None:
    page = ask(desk, some_lead(desk))
    for words in ("Next step", "Because:", "Chance within 30 days", "Why this chance", "Model beside rules", "Interactions", "Attributes"):
        assert words in page.text
    assert "crm" in page.text
    assert '<svg class="path"' in page.html


def test_reasons_lead_from_the_average_to_the_lead(desk: Desk) -> None:
    page = ask(desk, some_lead(desk))
    chances = re.findall(r'<td role="cell" class="right number">([^<]*)</td>', page.html)
    shown = re.search(r'Chance within 30 days</dt><dd><span class="number">([^<]*)<', page.html)
    assert shown is not None
    assert chances[-1] == chances[-2] == shown[1]


def test_what_moved_the_chance_is_marked(desk: Desk) -> None:
    pages = [ask(desk, href).html for href in ask(desk, "/?temperature=hot").links("/lead/")]
    assert all('class="move for"' in html for html in pages)


@pytest.mark.parametrize("when", ["now", "yesterday"])
def test_what_if_asks_the_same_scorer_and_leaves_no_trace(desk: Desk, when: str) -> None:
    lead = some_lead(desk)
    before = ask(desk, lead).text
    logged = len(desk.recorder._waiting)
    page = ask(desk, f"{lead}/what-if?type=offer_request&when={when}")
    assert "What if: asked for an offer, " + when in page.text
    assert re.search(r"The chance would rise from [\d.]+% to [\d.]+%", page.text)
    assert "no promise" in page.text
    assert len(desk.recorder._waiting) == logged
    assert re.sub(r"\d\d:\d\d|\d+ \w+ (late|ago)", "", ask(desk, lead).text) == re.sub(r"\d\d:\d\d|\d+ \w+ (late|ago)", "", before)


def test_what_if_knows_only_what_the_model_knows(desk: Desk) -> None:
    page = ask(desk, f"{some_lead(desk)}/what-if?type=dance")
    assert page.status == 422
    assert "This model knows no such interaction" in page.text


def test_a_person_decides_and_takes_it_back(desk: Desk) -> None:
    lead = ask(desk, "/?temperature=cold").links("/lead/")[0]
    until = datetime.now(UTC) + timedelta(days=3)
    form = {"decision": "stage:mql", "reason": "Met <them> at the fair", "by": "Petra", "until": f"{until:%Y-%m-%d}", "words": ""}
    done = ask(desk, f"{lead}/overrides", form)
    assert (done.status, done.headers["location"]) == (303, f"{lead}#overrides")
    page = ask(desk, lead)
    assert "Stage: Marketing qualified" in page.text
    assert "Met &lt;them&gt; at the fair" in page.html
    assert ask(desk, f"{lead}/overrides", {"field": "stage", "do": "end"}).status == 303
    assert "Nobody has decided otherwise" in ask(desk, lead).text


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"decision": ""}, "Choose what you decide."),
        ({"decision": "temperature:boiling"}, "Choose what you decide."),
        ({"decision": "next_step:"}, "Write the next step in your words."),
        ({"reason": " "}, "Give a reason"),
        ({"until": "2020-01-01"}, "Choose the last day"),
        ({"until": "9999-12-31"}, "Choose the last day"),
        ({"by": ""}, "Say who decides."),
    ],
)
def test_a_decision_that_cannot_be_is_told_and_what_was_written_stays(desk: Desk, changed: dict[str, str], words: str) -> None:
    until = datetime.now(UTC) + timedelta(days=3)
    form = {"decision": "stage:mql", "reason": "A reason", "by": "Petra", "until": f"{until:%Y-%m-%d}"} | changed
    page = ask(desk, f"{some_lead(desk)}/overrides", form)
    assert page.status == 422
    assert words in page.text
    assert f'value="{form["until"]}"' in page.html
    assert "Nobody has decided otherwise" in page.text


def test_a_lead_that_is_not_there_is_told(desk: Desk) -> None:
    page = ask(desk, f"/lead/{quote('<nobody>', safe='')}")
    assert page.status == 404
    assert "Nothing is stored under “<nobody>”" in page.text
    assert "&lt;nobody&gt;" in page.html
    assert ask(desk, "/lead/nobody/overrides", {"field": "stage", "do": "end"}).status == 404


@pytest.mark.parametrize("lead_id", ["a/b", "..", ".", "%2e", "ä ö+ü&x=1", "שלום", "🦊", "<script>alert(1)</script>"])
def test_every_id_has_a_page_and_is_found(desk: Desk, lead_id: str) -> None:
    desk.memory.put_leads([{"lead_id": lead_id}], "test")
    href = next(one for one in [*ask(desk, "/?temperature=cold").links("/lead"), *all_links(desk)] if unquoted(one) == lead_id)
    assert ask(desk, href).status == 200
    found = ask(desk, f"/lead?{urlencode({'id': lead_id})}")
    assert found.status in {200, 303}
    assert found.status == 200 or found.headers["location"] == href


def all_links(desk: Desk) -> list[str]:
    links: list[str] = []
    onward = ["/"]
    while onward:
        page = ask(desk, onward[0])
        links += page.links(r"/lead[/?]")
        onward = page.onward
    return links


def unquoted(href: str) -> str:
    return unquote(href.removeprefix("/lead/").removeprefix("/lead?id="))


def test_every_page_forbids_what_is_not_ours(desk: Desk) -> None:
    for page in (ask(desk, "/"), ask(desk, some_lead(desk)), ask(desk, "/sign-in"), ask(desk, "/lead/nobody"), ask(desk, "/sign-out", {})):
        policy = page.headers["content-security-policy"]
        assert "default-src 'none'" in policy
        assert "script-src" not in policy
        assert "unsafe" not in policy
        assert "frame-ancestors 'none'" in policy
        assert page.headers["cache-control"] == "no-store"
        assert page.headers["x-content-type-options"] == "nosniff"
        assert page.headers["referrer-policy"] == "same-origin"


def test_its_files_are_kept_for_ever_under_names_of_their_content(desk: Desk) -> None:
    page = ask(desk, "/")
    for name in static.NAMES:
        assert static.address(name) in page.html
        file = ask(desk, static.address(name))
        assert file.status == 200
        assert file.headers["cache-control"] == "public, max-age=31536000, immutable"


def test_the_reader_s_language_is_spoken_and_kept(desk: Desk) -> None:
    german = ask(desk, "/", accept_language="de-AT,de;q=0.9")
    assert '<html lang="de">' in german.html
    assert "Wen zuerst anrufen" in german.text
    assert "Denn:" in german.text
    switched = ask(desk, "/?lang=de&owner=Petra+Lang", accept_language="en")
    assert "Wen zuerst anrufen" in switched.text
    assert "leadheat_language=de" in switched.headers["set-cookie"]
    assert "/?owner=Petra+Lang&lang=en" in switched.links(".*lang=en")
    assert "Wen zuerst anrufen" in ask(desk, "/", accept_language="en", cookie="leadheat_language=de").text


def test_it_says_which_model_scores_since_when(desk: Desk) -> None:
    assert f"Version 7 of the model has scored since {datetime.now(UTC).day} " in ask(desk, "/").text


def test_without_leads_it_says_what_to_do(bare: Desk) -> None:
    page = ask(bare, "/", host="leads.example:3000")
    assert "No leads yet" in page.text
    assert "curl -X POST http://leads.example:3000/interactions" in page.text
    assert "The rules alone score" in page.text


def test_the_rules_alone_have_a_page_too(bare: Desk) -> None:
    moment = now() - 1_000_000
    bare.memory.take_interactions(
        [{"lead_id": "a", "type": kind, "direction": "inbound", "occurred_at": moment} for kind in ("demo_request", "webinar")], "test"
    )
    assert "Points" in ask(bare, "/").text
    page = ask(bare, "/lead/a")
    assert "Points over time" in page.text
    assert "The rules alone score" in page.text
    assert "Why this chance" not in page.text
    assert "The points would go from" in ask(bare, "/lead/a/what-if?type=offer_request").text


def test_a_store_that_cannot_be_reached_is_told(bare: Desk, tmp_path: Path) -> None:
    (tmp_path / "store.db").unlink(missing_ok=True)
    (tmp_path / "store.db").mkdir()
    page = ask(bare, "/")
    assert (page.status, page.headers["retry-after"]) == (503, "5")
    assert "The store cannot be reached" in page.text


def test_a_key_that_may_read_signs_in(bare: Desk) -> None:
    reader, writer = keys.add("reader", ["read"]), keys.add("writer", ["write"])
    assert ask(bare, "/sign-in?next=/lead/a").html.count('value="/lead/a"') == 1
    done = ask(bare, "/sign-in", {"key": f" {reader} ", "next": "/lead/a"})
    assert (done.status, done.headers["location"]) == (303, "/lead/a")
    assert "HttpOnly" in done.headers["set-cookie"]
    assert "samesite=strict" in done.headers["set-cookie"].lower()
    for secret in (writer, "lh_nonsense", ""):
        refused = ask(bare, "/sign-in", {"key": secret, "next": "https://evil.example/"})
        assert refused.status == 403
        assert "set-cookie" not in refused.headers
        assert "evil" not in refused.html
    assert 'leadheat_key=""' in ask(bare, "/sign-out", {}).headers["set-cookie"]


def test_only_who_may_write_gets_the_form(desk: Desk) -> None:
    lead = some_lead(desk)
    assert 'name="decision"' in ask(desk, lead).html
