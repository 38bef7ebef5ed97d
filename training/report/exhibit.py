"""What every picture of the report comes with."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from markupsafe import Markup

from training.report.svg import inline
from training.report.words import Table

if TYPE_CHECKING:
    from matplotlib.figure import Figure


@dataclass(frozen=True, eq=False)
class Exhibit:
    """A picture, what it says, and the numbers behind it.

    Attributes:
        key: its anchor.
        title: the question that it answers.
        takeaway: the answer, in numbers.
        how: how to read it.
        figure: the picture.
        tables: the numbers.
        wide: whether it needs a row of its own.
    """

    key: str
    title: str
    takeaway: str
    how: str
    figure: Figure
    tables: tuple[Table, ...]
    wide: bool = False

    @cached_property
    def picture(self) -> Markup:
        """The figure as SVG: the last that is done with it, for its title is taken away."""
        return Markup(inline(self.figure, self.key, f"{self.title} {self.takeaway}"))  # noqa: S704  made from a figure
