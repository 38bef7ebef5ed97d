"""The ``[monitor]`` table: who was worked, and from when on monitoring raises an alert."""

from __future__ import annotations

from typing import Self

from pydantic import Field, model_validator

from features.contract import Duration, Strict


class WorkedSettings(Strict):
    """Which leads sales worked after they were scored: ``worked = { types = ["sales_call*"] }`` or ``worked = { attribute = "owner" }``.

    Attributes:
        types: shell patterns of interaction types; one such interaction within ``within`` of the score says that the lead was worked.
        attribute: a lead attribute; a value that is neither 0, no nor false says so.
        within: how long after the score an interaction counts; the horizon by default.
    """

    types: tuple[str, ...] = ()
    attribute: str | None = None
    within: Duration | None = None

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        if bool(self.types) == (self.attribute is not None):
            raise ValueError("say either by which interaction types or by which lead attribute one sees that a lead was worked")
        return self


class MonitorSettings(Strict):
    """The ``[monitor]`` table. A limit is crossed when the figure is beyond it by more than chance explains.

    Attributes:
        worked: how to tell leads that sales worked from those it did not.
        false_alarm: how likely a run is to raise a kind of alert where nothing has changed; it is shared among all comparisons of the kind.
        min_leads: with fewer matured leads no rate is judged.
        max_shift: how far the actual rate may be off the expected one, as a share of it.
        max_psi: the population stability index of a feature or the score, from which on it has drifted.
        least_importance: a feature that contributes less, as a share of all, may drift.
        max_missing: by how much the share of rows without a value may grow.
        max_hot_growth: how many times as many leads may be hot as the model states.
        max_unknown_types: by how much the share of rows with unknown types may grow.
        most_replayed: so many rows of a version are computed again; of more, the latest.
    """

    worked: WorkedSettings | None = None
    false_alarm: float = Field(0.01, gt=0, lt=0.5)
    min_leads: int = Field(100, ge=1)
    max_shift: float = Field(0.1, gt=0)
    max_psi: float = Field(0.25, gt=0)
    least_importance: float = Field(0.01, ge=0, le=1)
    max_missing: float = Field(0.3, gt=0, le=1)
    max_hot_growth: float = Field(1.5, ge=1)
    max_unknown_types: float = Field(0.05, gt=0, le=1)
    most_replayed: int = Field(100_000, ge=1)
