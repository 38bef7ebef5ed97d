"""The report tells what the evidence holds, once and in words, the same each time, and nothing of any single person."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest

from features.contract import Finding, LeadheatError, Severity
from models.scorer import Scored
from tests.reported import Reported
from tests.small_world import SmallWorld
from training.plots.style import COLOURS, MODEL, finish, new_figure
from training.report import cards
from training.report.evidence import Evidence
from training.report.examples import KINDS, examples
from training.report.headline import headline
from training.report.html import DARK, report, write
from training.report.order import differences
from training.report.svg import inline
from training.report.words import Table, listed, rate, span

HOSTILE = "<script>document.title='owned 東京'</script>"
VOID = {"meta", "link"}


class Page(HTMLParser):
    """The elements of a page, its texts, and whether every element is closed in its turn."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.texts: list[str] = []
        self.feed(html)
        assert not self.open

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.texts.append(data)

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.texts).split())


@pytest.fixture(scope="module")
def evidence(reported: Reported) -> Evidence:
    return reported.evidence


@pytest.fixture(scope="module")
def html(reported: Reported) -> str:
    return reported.html


@pytest.fixture(scope="module")
def page(html: str) -> Page:
    return Page(html)


def test_the_first_screen_answers_what_sales_ask(evidence: Evidence, page: Page) -> None:
    auc = evidence.evaluation.against_rules["auc"]
    assert {"better": "in a better order", "worse": "in a worse order", "tie": "are tied"}[auc.verdict] in page.text
    assert f"{auc.difference:+.3f} ({auc.low:+.3f} to {auc.high:+.3f})" in page.text
    assert "Which leads will be won within 30 days?" in page.text
    for promised, came in zip(evidence.bands.bands, evidence.actual, strict=True):
        assert f"{span(promised.rate_low, promised.rate_high)} was promised" in page.text
        assert rate(came.rate) in page.text
    failed = [one["name"] for one in evidence.gates if not one["passed"]]
    assert ("Refused" if failed else f"All {len(evidence.gates)} gates hold") in page.text


def test_a_refusal_is_told_with_its_reason_and_its_fate(evidence: Evidence) -> None:
    failing = {"name": "calibrated", "passed": False, "figure": 0.2, "limit": 0.03, "detail": "ECE 0.2000 is too much"}
    told = headline(replace(evidence, gates=[*evidence.gates, failing], fate="Version 3, the champion: agreed with sales."))
    assert told.decision == "Refused"
    assert told.why.endswith("ECE 0.2000 is too much. Version 3, the champion: agreed with sales.")


def test_every_figure_of_the_evaluation_is_in_it(evidence: Evidence, page: Page) -> None:
    for figures in (evidence.evaluation.model, evidence.evaluation.rules):
        for name, digits in (("auc", 3), ("average_precision", 3), ("log_loss", 3), ("brier", 4), ("ece", 4), ("lift_at_10", 2)):
            low, high = figures["intervals"][name]
            assert f"{figures[name]:.{digits}f} ({low:.{digits}f} to {high:.{digits}f})" in page.text


def test_the_slices_and_signals_are_in_their_tables(evidence: Evidence, page: Page) -> None:
    assert {one.value for one in evidence.examined.slices} <= set(map(str.strip, page.texts))
    assert {one.words for one in evidence.importance if one.weight > 0} <= set(map(str.strip, page.texts))


def test_the_champion_is_compared_with_where_there_was_one(evidence: Evidence) -> None:
    exhibit = differences(replace(evidence, against_champion=evidence.evaluation.against_rules))
    assert exhibit.takeaway.count("Compared with") == len(exhibit.tables) == 2
    assert exhibit.tables[1].columns[2] == "champion"


def test_worth_and_calm_are_told_as_examined(evidence: Evidence, page: Page) -> None:
    for one in evidence.examined.decision:
        assert f"{one.model.wins:,.0f} ({one.model.low:,.0f} to {one.model.high:,.0f})" in page.text
    for calm in evidence.examined.stability.values():
        assert f"{calm.per_lead_week:.3f} ({calm.per_lead_week_low:.3f} to {calm.per_lead_week_high:.3f})" in page.text


def test_the_weights_of_signals_are_mean_contributions_of_a_sample(evidence: Evidence) -> None:
    rows = np.arange(len(evidence.evaluation.snapshots))
    sums, _ = evidence.scorer.contributions(evidence.evaluation.scored, rows)
    heavy = evidence.importance[0]
    everywhere = np.abs(sums).mean(axis=0)[evidence.scorer.explainer.signals.index(heavy.signal)]
    assert heavy.weight == pytest.approx(everywhere, rel=0.1)
    assert [one.weight for one in evidence.importance] == sorted((one.weight for one in evidence.importance), reverse=True)


def test_it_says_how_to_repeat_it(evidence: Evidence, page: Page) -> None:
    for said in ("leadheat train DATASET", evidence.dataset.fingerprint, evidence.scorer.fingerprint, "run-7"):
        assert said in page.text
    settings = next(text for text in page.texts if text.strip().startswith("{"))
    assert json.loads(settings)["data"]["name"] == evidence.dataset.name


def test_findings_are_told_the_gravest_first(evidence: Evidence) -> None:
    some: list[Severity] = ["info", "error", "warning"]
    told = cards.findings(replace(evidence, findings=[Finding(severity, "code", "leads", "size", 7, "a detail") for severity in some]))
    assert told
    assert [row[0] for row in told.rows] == ["error", "warning", "info"]


def test_no_lead_is_named(world: SmallWorld, html: str) -> None:
    assert not set(world.dataset.history.lead_ids.to_pylist()) & {*re.findall(r"[\w-]+", html), *re.findall(r"\w+", html)}


def test_the_same_evidence_gives_the_same_bytes(evidence: Evidence, html: str) -> None:
    assert report(replace(evidence)) == html


def test_it_holds_itself_together(html: str, page: Page) -> None:
    assert len(html.encode()) < 1_000_000
    ids = [attributes["id"] for _, attributes in page.elements if "id" in attributes]
    assert len(ids) == len(set(ids))
    pointed = {str(attributes["href"]) for _, attributes in page.elements if "href" in attributes}
    assert pointed - {"data:,"} <= {f"#{name}" for name in ids}
    assert not {"script", "img", "iframe", "object", "style"} & {tag for tag, _ in page.elements[12:]}
    assert not re.findall(r"(?:https?:)?//", html)
    assert "default-src 'none'" in html
    assert not re.findall(r"(?:fill|stroke): #[0-9a-f]{6}", html)


def test_every_picture_says_in_words_what_it_shows(page: Page) -> None:
    pictures = [attributes for tag, attributes in page.elements if tag == "svg"]
    assert len(pictures) == 9 + len(KINDS)
    assert all(attributes["role"] == "img" and len(str(attributes["aria-label"])) > 40 for attributes in pictures)


def test_texts_of_the_data_stay_texts(evidence: Evidence) -> None:
    """Names, levels, findings and gates may hold anything: it is shown, and never part of the page."""
    history = evidence.dataset.history
    categorical = dict(history.lead_attributes.categorical)
    categorical["industry"] = replace(categorical["industry"], levels=(HOSTILE, *categorical["industry"].levels[1:]))
    history = replace(history, lead_attributes=replace(history.lead_attributes, categorical=categorical))
    dataset = replace(evidence.dataset, name=HOSTILE, history=history)
    finding = Finding("warning", "odd", "leads", HOSTILE, 1, f"$a$ {HOSTILE}", HOSTILE)
    gates = [*evidence.gates, {"name": HOSTILE, "passed": False, "detail": HOSTILE}]
    page = Page(report(replace(evidence, dataset=dataset, findings=[finding], gates=gates, fate=HOSTILE, command=HOSTILE)))
    assert "script" not in {tag for tag, _ in page.elements}
    assert page.text.count(HOSTILE) > 8


def test_examples_are_of_their_kind_and_do_not_depend_on_the_order_of_the_leads(evidence: Evidence) -> None:
    found = examples(evidence)
    assert [one.kind for one in found] == list(KINDS)
    assert [one.path.won for one in found] == [True, True, False, False, False]
    assert found[0].path.temperature[-1] == 2 or found[0].path.probability.max() >= evidence.bands.thresholds[1]
    rows = np.random.default_rng(1).permutation(len(evidence.evaluation.snapshots))
    shuffled = replace(
        evidence.evaluation,
        snapshots=evidence.evaluation.snapshots.take(rows),
        scored=Scored._make(numbers[rows] for numbers in evidence.evaluation.scored),
    )
    again = examples(replace(evidence, evaluation=shuffled))
    assert [one.path.probability.tolist() for one in again] == [one.path.probability.tolist() for one in found]


def test_a_path_is_what_the_scorer_says_day_by_day(evidence: Evidence, world: SmallWorld) -> None:
    """A path shows no moment before the test part, and the last one is that of the outcome."""
    won = examples(evidence)[0].path
    assert won.end == won.days[-1]
    assert won.days[0] == 0
    assert np.diff(won.days).max() <= 1
    candidates = np.unique(world.parts.test.lead[world.parts.test.label == 1])
    for lead in candidates:
        closed = world.dataset.outcomes.closed_at[lead]
        score = world.scorer.score(world.dataset.history.with_schema(world.scorer.schema).slice(lead, lead + 1), int(closed), explain=False)
        if score.probability == won.probability[-1]:
            return
    pytest.fail("the last probability of the path is that of no won lead at the moment it was won")


def test_reasons_of_examples_tell_no_attribute(evidence: Evidence) -> None:
    attributes = {name.replace("_", " ") for name in (*evidence.scorer.schema.lead_categorical, *evidence.scorer.schema.lead_numeric)}
    said = [words for one in examples(evidence) for words in one.why]
    assert said
    assert not [words for words in said if words.partition(":")[0] in attributes]


def test_a_place_that_cannot_be_written_to_is_told(evidence: Evidence, tmp_path: Path) -> None:
    with pytest.raises(LeadheatError, match="The report cannot be written"):
        write(evidence, tmp_path / "nowhere" / "report.html")


def test_every_role_has_a_colour_in_both_themes() -> None:
    assert DARK.keys() == COLOURS.keys()
    assert len(set(COLOURS.values())) == len(COLOURS)


def test_pictures_bear_the_colours_of_the_theme_and_ids_of_their_own() -> None:
    figure = new_figure(3, 2)
    axes = figure.subplots()
    axes.plot([0, 1], [0, 1], color=MODEL, marker="o")
    axes.set(title="a title", xlabel="<b> & $")
    finish(axes)
    first = inline(figure, "one", 'says "<b>"')
    assert "var(--model)" in first
    assert not re.findall(r"#[0-9a-f]{6}", first)
    assert "a title" not in first
    assert "&lt;b&gt; &amp; $" in first
    assert all(name.startswith("one-") for name in re.findall(r' id="([^"]+)"', first))
    assert all(name.startswith("one-") for name in re.findall(r'(?:href="#|url\(#)([^")]+)', first))
    assert first == inline(figure, "one", 'says "<b>"')


def test_columns_of_numbers_are_told_from_words() -> None:
    rows = (("a", "1,200", "0.5 (0.4 to 0.6)", "-", "2025-01-01"), ("b", "+3.0%", "-1", "3 to 4%", "7"))
    assert Table("", ("", "hint"), (("a", ""), ("b", ""))).numeric == (False, False)
    assert Table("", ("", "x", "y", "z", "w"), rows).numeric == (False, True, True, True, False)
    assert listed(["a", "b", "c"]) == "a, b and c"
