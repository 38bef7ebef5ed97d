"""Cold, warm and hot: the settings of the bands, and the bands themselves as they are stored with a model.

``models.policies`` chooses the thresholds.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from itertools import pairwise
from typing import Annotated, Any, Literal, Self

import numpy as np
import numpy.typing as npt
from pydantic import Field, model_validator

from features.contract import ModelError, Strict
from models.intervals import effective_rows, wilson

Floats = npt.NDArray[np.float64]
Temperatures = npt.NDArray[np.int8]
Policy = Literal["lift", "capacity", "precision", "value"]
Temperature = Literal["cold", "warm", "hot"]

NAMES: tuple[Temperature, ...] = ("cold", "warm", "hot")
"""A temperature is an index into these."""

NUMBERS: dict[Policy, tuple[str, ...]] = {
    "lift": ("warm", "hot"),
    "capacity": ("hot_per_day", "hot_share", "warm_per_day", "warm_share"),
    "precision": ("warm", "hot"),
    "value": ("contact_cost", "win_value", "nurture_cost"),
}
"""The numbers that each policy takes."""
_DEFAULTS = {"lift": (2.0, 4.0), "precision": (0.15, 0.33)}

_Positive = Annotated[float, Field(gt=0)]
_Share = Annotated[float, Field(gt=0, lt=1)]


class TemperatureSettings(Strict):
    """The ``[temperature]`` table: a policy and its numbers.

    ============  =====================================================================================================
    lift          warm from ``warm`` (2) and hot from ``hot`` (4) times the base rate; the default
    capacity      hot: as many leads as sales can call, ``hot_per_day`` on an average day or ``hot_share`` of them; warm: the next
                  ``warm_per_day`` or ``warm_share``, else three times as many as are hot
    precision     hot: the largest band of which at least ``hot`` (0.33) convert, warm: the largest band below it of which at least
                  ``warm`` (0.15) do, each by its 95 % lower confidence bound
    value         hot: the expected win pays for a contact, probability ≥ contact_cost / win_value; warm: it pays for the cheaper
                  ``nurture_cost`` (half of contact_cost)
    ============  =====================================================================================================

    ``hysteresis`` (0.1): a lead leaves a band downwards only when its odds are below the threshold's by more than this share.
    """

    policy: Policy = "lift"
    warm: _Positive | None = None
    hot: _Positive | None = None
    hot_per_day: _Positive | None = None
    hot_share: _Share | None = None
    warm_per_day: _Positive | None = None
    warm_share: _Share | None = None
    contact_cost: _Positive | None = None
    win_value: _Positive | None = None
    nurture_cost: _Positive | None = None
    hysteresis: float = Field(default=0.1, ge=0, lt=1)

    @property
    def warm_and_hot(self) -> tuple[float, float]:
        """The numbers ``warm`` and ``hot`` of the policies lift and precision, with their defaults."""
        warm, hot = _DEFAULTS[self.policy]
        return self.warm or warm, self.hot or hot

    @model_validator(mode="after")
    def _fits_the_policy(self) -> Self:
        for policy, numbers in NUMBERS.items():
            for name in set(numbers) - set(NUMBERS[self.policy]):
                if getattr(self, name) is not None:
                    raise ValueError(f'{name} belongs to policy = "{policy}", and the policy here is "{self.policy}"')
        problem = {"lift": self._of_two, "precision": self._of_two, "capacity": self._of_capacity, "value": self._of_value}[self.policy]()
        if problem:
            raise ValueError(problem)
        return self

    def _of_two(self) -> str:
        warm, hot = self.warm_and_hot
        if self.policy == "precision" and hot >= 1:
            return f"hot is the share of hot leads that convert and must be below 1, not {hot:g}"
        return "" if warm < hot else f"warm ({warm:g}) must be below hot ({hot:g})"

    def _of_capacity(self) -> str:
        if (self.hot_per_day is None) == (self.hot_share is None):
            return 'policy = "capacity" needs either hot_per_day (such as 40) or hot_share (such as 0.05)'
        if self.warm_per_day is not None and self.warm_share is not None:
            return "give either warm_per_day or warm_share, not both"
        return "hot_share and warm_share are more than all leads together" if (self.hot_share or 0) + (self.warm_share or 0) > 1 else ""

    def _of_value(self) -> str:
        if self.contact_cost is None or self.win_value is None:
            return 'policy = "value" needs contact_cost and win_value, in one currency'
        if self.contact_cost >= self.win_value:
            return f"contact_cost ({self.contact_cost:g}) must be below win_value ({self.win_value:g}), or no contact ever pays"
        if self.nurture_cost is not None and self.nurture_cost >= self.contact_cost:
            return f"nurture_cost ({self.nurture_cost:g}) must be below contact_cost ({self.contact_cost:g})"
        return ""


@dataclass(frozen=True)
class Band:
    """One temperature: probabilities in [lower, upper), and what was seen of such leads.

    ``share`` is of the rows; ``rate`` is the share of won rows with its 95 % interval by lead (``models.intervals``); an empty
    band has none.
    """

    name: str
    lower: float
    upper: float
    rows: int
    share: float
    rate: float | None
    rate_low: float | None
    rate_high: float | None


@dataclass(frozen=True)
class Bands:
    """The thresholds on the calibrated probability, what they were chosen for and what to expect of each band.

    ``bands`` are cold, warm and hot. A threshold of 1 is never reached: that temperature does not occur, and ``notes`` says why.
    """

    policy: Policy
    hysteresis: float
    base_rate: float
    bands: tuple[Band, ...]
    notes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        edges = [0.0, *(band.lower for band in self.bands[1:]), 1.0]
        ordered = all(low <= high for low, high in pairwise(edges))
        if tuple(band.name for band in self.bands) != NAMES or not ordered or not 0 <= self.hysteresis < 1:
            raise ModelError(
                f"The bands {edges} with a hysteresis of {self.hysteresis} are no temperatures.",
                "There must be cold, warm and hot with increasing thresholds between 0 and 1; restore the model folder or train again.",
            )

    @property
    def thresholds(self) -> tuple[float, float]:
        """The probabilities from which a lead is warm and hot."""
        return self.bands[1].lower, self.bands[2].lower

    @property
    def exits(self) -> tuple[float, float]:
        """The probabilities below which a warm and a hot lead cools: threshold odds times (1 - hysteresis), as probabilities."""
        warm, hot = (lower * (1 - self.hysteresis) / (1 - lower * self.hysteresis) for lower in self.thresholds)
        return warm, hot

    def of(self, probability: npt.ArrayLike, previous: npt.ArrayLike | None = None) -> Temperatures:
        """The temperature, int8[m]: 0 cold, 1 warm, 2 hot.

        Args:
            probability: calibrated, in (0, 1), float64[m].
            previous: the temperatures before, int8[m], -1 where there was none. A lead warms at once and cools only below ``exits``.
        """
        p = np.asarray(probability, dtype=np.float64)
        entered = _count(p, self.thresholds)
        if previous is None:
            return entered
        return np.maximum(entered, np.minimum(np.asarray(previous, dtype=np.int8), _count(p, self.exits)))

    def along(self, probability: npt.ArrayLike, lead: npt.ArrayLike) -> Temperatures:
        """The temperatures, int8[m], of leads that are looked at again and again, each with the one before as ``previous``.

        Args:
            probability: calibrated, float64[m]; the looks of a lead stand together, the earliest first.
            lead: the lead of each look, [m].
        """
        p, leads = np.asarray(probability, dtype=np.float64), np.asarray(lead)
        first = np.flatnonzero(np.append(True, leads[1:] != leads[:-1])) if len(p) else np.zeros(0, dtype=np.intp)
        looks = np.diff(np.append(first, len(p)))
        temperature = self.of(p)
        for step in range(1, int(looks.max(initial=0))):
            now = first[looks > step] + step
            temperature[now] = self.of(p[now], temperature[now - 1])
        return temperature

    def observed(self, probability: npt.ArrayLike, y: npt.ArrayLike, lead: npt.ArrayLike) -> tuple[Band, ...]:
        """The same bands with the shares and rates of other rows, such as the test's; arguments as for ``measure``."""
        return measure(self.thresholds, probability, y, lead)

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready values; ``from_dict`` gives equal bands back."""
        return asdict(self)

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Bands:
        """The bands that ``to_dict`` wrote.

        Raises:
            ModelError: keys or values are not those of bands.
        """
        try:
            bands = tuple(Band(**band) for band in values["bands"])
            return cls(values["policy"], float(values["hysteresis"]), float(values["base_rate"]), bands, tuple(values["notes"]))
        except (KeyError, TypeError, ValueError) as error:
            raise ModelError(f"The bands of this model cannot be read: {error!r}.", "Restore the model folder or train again.") from error


def measure(thresholds: tuple[float, float], probability: npt.ArrayLike, y: npt.ArrayLike, lead: npt.ArrayLike) -> tuple[Band, ...]:
    """Cold, warm and hot as some rows show them.

    Args:
        thresholds: of warm and hot.
        probability: calibrated, float64[m].
        y: 1 won, 0 not, [m].
        lead: the lead of each row, [m].
    """
    p, won, leads = np.asarray(probability, dtype=np.float64), np.asarray(y), np.asarray(lead)
    temperature = _count(p, thresholds)
    edges = (0.0, *thresholds, 1.0)
    return tuple(_band(i, edges[i], edges[i + 1], won[temperature == i], leads[temperature == i], len(p)) for i in range(len(NAMES)))


def _band(index: int, lower: float, upper: float, won: npt.NDArray[Any], leads: npt.NDArray[Any], rows: int) -> Band:
    if not len(won):
        return Band(NAMES[index], lower, upper, 0, 0.0, None, None, None)
    rate = float(won.mean())
    low, high = wilson(rate, effective_rows(won, leads)[-1])
    return Band(NAMES[index], lower, upper, len(won), len(won) / rows, rate, float(low), float(high))


def _count(p: Floats, thresholds: tuple[float, float]) -> Temperatures:
    warm, hot = thresholds
    return (p >= warm).astype(np.int8) + (p >= hot).astype(np.int8)
