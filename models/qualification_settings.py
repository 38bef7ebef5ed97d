"""The ``[qualification]`` table: from when on a lead belongs to sales, how fast it is answered, and what counts as recent."""

from __future__ import annotations

from typing import Literal, Self

from pydantic import Field, model_validator

from features.contract import DAY, MINUTE, Duration, Strict


class Threshold(Strict):
    """From which probability, or from which score, a lead belongs to sales; with both, either will do."""

    probability: float | None = Field(default=None, gt=0, le=1)
    score: float | None = Field(default=None, gt=0, le=100)

    @model_validator(mode="after")
    def _says_something(self) -> Self:
        if self.probability is None and self.score is None:
            raise ValueError("name a probability, such as 0.2, or a score, such as 95")
        return self

    def __str__(self) -> str:
        parts = {"probability": self.probability, "score": self.score}
        return " or ".join(f"the {name} is at least {value:g}" for name, value in parts.items() if value is not None)


class QualificationSettings(Strict):
    """The ``[qualification]`` table: when a lead goes to sales, and how fast it is answered.

    Attributes:
        hand_over: from this temperature, or ``{ probability = 0.2 }``, or ``{ score = 95 }`` on, a lead is handed to sales; a strong
            signal hands it over whatever they are. Where the rules score alone, a threshold stands for hot.
        hand_over_again: a lead that cools and warms again within so long of its hand-over is not handed over anew.
        longest_override: how long a person's decision may hold at most.
        strong_within: how long a strong signal counts.
        fresh_within: how long an inbound signal waits for a fast answer.
        answer_strong: how fast to answer a fresh strong signal.
        answer_medium: how fast to answer a fresh medium one.
        recent_within: how far back the funnel position, product use and missed appointments look.
        product: shell patterns of the signals that show use of the product.
        missed: shell patterns of the signals that show a missed appointment.
        most_touches: after so many touches without an answer a lead is left in peace.
    """

    hand_over: Literal["warm", "hot"] | Threshold = "hot"
    hand_over_again: Duration = 30 * DAY
    longest_override: Duration = 90 * DAY
    strong_within: Duration = 14 * DAY
    fresh_within: Duration = DAY
    answer_strong: Duration = 15 * MINUTE
    answer_medium: Duration = 30 * MINUTE
    recent_within: Duration = 30 * DAY
    product: tuple[str, ...] = ("*trial_start*", "*trial_use*", "*trial_login*", "*product_use*", "*logged_in*")
    missed: tuple[str, ...] = ("*no_show*", "*no-show*", "*noshow*", "*missed*")
    most_touches: int = Field(default=6, ge=1)
