"""The report as one HTML file that needs nothing else: no script, no font, no picture from anywhere.

All texts are escaped where they are put in, and a content security policy forbids whatever would still run or load.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from pathlib import Path

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from models.whole_file import whole_file
from training.plots.paths import path as plot_path
from training.plots.style import COLOURS
from training.report import cards, words
from training.report.evidence import Evidence
from training.report.examples import LONGEST, Example, examples
from training.report.exhibit import Exhibit
from training.report.exhibits import exhibits
from training.report.headline import headline
from training.report.svg import inline

DARK = {
    "ink": "#e7eaee",
    "faint": "#97a1ae",
    "grid": "#2b323c",
    "paper": "#171b21",
    "model": "#9d97ff",
    "rules": "#b9ab9a",
    "champion": "#4fc4b2",
    "other": "#d793cd",
    "cold": "#6fb0df",
    "warm": "#e8b452",
    "hot": "#f0736c",
}
"""The colours of the dark theme, by role; those of the light one are the pictures' own."""


def report(evidence: Evidence, shown: Sequence[Exhibit] | None = None) -> str:
    """The page; the same bytes for the same evidence.

    Args:
        evidence: what it tells.
        shown: the pictures, where they are made already; their figures are spent with it.
    """
    return (
        _environment()
        .get_template("report.html")
        .render(
            evidence=evidence,
            headline=headline(evidence),
            exhibits=exhibits(evidence) if shown is None else shown,
            examples=[(example, _picture(evidence, example)) for example in examples(evidence)],
            figures=cards.figures(evidence),
            gates=cards.gates(evidence),
            excluded=cards.excluded(evidence),
            findings=cards.findings(evidence),
            data_card=cards.data_card(evidence),
            model_card=cards.model_card(evidence),
            repeat=cards.repeat(evidence),
            settings=cards.settings(evidence),
            longest=LONGEST,
            light=COLOURS,
            dark=DARK,
        )
    )


def write(evidence: Evidence, out: Path) -> None:
    """Write the page to a file, whole or not at all.

    Raises:
        LeadheatError: the place cannot be written to.
    """
    with whole_file(out, "The report") as file:
        file.write_text(report(evidence), encoding="utf-8")


def _picture(evidence: Evidence, example: Example) -> Markup:
    lead = example.path
    end = "" if lead.end is None else f", and was {'won' if lead.won else 'lost'} on day {lead.end:.0f}"
    said = (
        f"{example.name}: over {lead.days[-1]:.0f} days its probability went from {words.rate(float(lead.probability[0]))} "
        f"to {words.rate(float(lead.probability[-1]))}, at most {words.rate(float(lead.probability.max()))}{end}."
    )
    return Markup(inline(plot_path(lead, evidence.bands), example.key, said))  # noqa: S704  made from a figure


@cache
def _environment() -> Environment:
    return Environment(
        loader=PackageLoader("training.report"), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
