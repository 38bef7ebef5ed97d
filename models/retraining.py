"""The ``[retrain]`` table: when the nightly ``leadheat retrain --if-needed`` does anything."""

from __future__ import annotations

from pydantic import Field

from features.contract import Duration, Strict


class RetrainSettings(Strict):
    """The ``[retrain]`` table. What monitoring says comes first; these say when new outcomes alone are reason enough to train.

    Attributes:
        min_new_wins: won leads that a training would learn from and the last one could not.
        min_new_share: the same as a share of those that the champion has learnt from; both must be there.
        max_age: train when the data go on for so long after those that the champion has learnt from. By default age is no reason; it never
            helps a version through the gate.
    """

    min_new_wins: int = Field(50, ge=1)
    min_new_share: float = Field(0.1, ge=0)
    max_age: Duration | None = None
