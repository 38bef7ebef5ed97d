"""How sure a rate is, and whether a group shares one fate."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.special import betaincinv

DOUBT = 0.001
"""The chance, for one rate, that the bound lies on the wrong side of the truth. Small, because an audit looks at hundreds of rates."""
Z = 3.090232306167813
"""The normal quantile of ``DOUBT``, one-sided."""
LIFT = 5
"""By how much the other fate must be rarer than expected, so that nothing is suspicious where nearly all leads share one fate."""


def at_least(count: np.ndarray, of: np.ndarray) -> np.ndarray:
    """float64[k]: the one-sided lower bound of each rate ``count / of`` (Clopper & Pearson 1934); 0 where nothing was counted."""
    count, of = np.broadcast_arrays(np.asarray(count, np.float64), np.asarray(of, np.float64))
    some = count > 0
    bound = betaincinv(np.where(some, count, 1.0), np.where(some, of - count + 1.0, 1.0), DOUBT)
    return np.asarray(np.where(some, bound, 0.0))


def at_most(count: np.ndarray, of: np.ndarray) -> np.ndarray:
    """float64[k]: the one-sided upper bound of each rate ``count / of``; 1 where there was nothing to count."""
    return np.asarray(1.0 - at_least(np.asarray(of) - np.asarray(count), of))


@dataclass(frozen=True, eq=False)
class Tally:
    """For each of K groups ``count`` of its ``of`` members share a fate, int64[K], where ``expected`` would, float64[K]."""

    count: np.ndarray
    of: np.ndarray
    expected: np.ndarray

    @classmethod
    def of_groups(cls, group: np.ndarray, fate: np.ndarray, groups: int) -> Tally:
        """Count members by group, int[m], and fate, bool[m]; expected is what the members of all other groups see."""
        of, count = np.bincount(group, minlength=groups), np.bincount(group[fate], minlength=groups)
        elsewhere = (count.sum() - count) / np.maximum(of.sum() - of, 1)
        return cls(count, of, elsewhere * of)

    @classmethod
    def of_strata(cls, group: np.ndarray, fate: np.ndarray, stratum: np.ndarray, groups: int) -> Tally:
        """Count members by group (int[m], -1 for none) and fate; expected is what all, of any group, see in the same strata, int[m]."""
        strata = int(stratum.max(initial=0)) + 1
        rate = np.bincount(stratum[fate], minlength=strata) / np.maximum(np.bincount(stratum, minlength=strata), 1)
        mine = group >= 0
        of, count = np.bincount(group[mine], minlength=groups), np.bincount(group[mine & fate], minlength=groups)
        return cls(count, of, np.bincount(group[mine], rate[stratum[mine]], minlength=groups))

    def all_but_always(self, share: float) -> np.ndarray:
        """bool[K]: whether more than this share has the fate, beyond doubt, and the other fate is ``LIFT`` times rarer than expected."""
        sure = at_least(self.count, self.of)
        return np.asarray((sure > share) & (self.of - self.expected >= LIFT * (1 - sure) * self.of))

    def all_but_never(self) -> np.ndarray:
        """bool[K]: whether the fate is, beyond doubt, twice ``LIFT`` times rarer than expected."""
        return np.asarray((self.of > 0) & (self.expected >= 2 * LIFT * at_most(self.count, self.of) * self.of))

    def words(self, group: int | np.integer) -> str:
        """How many of how many."""
        return f"{self.count[group]:,} of {self.of[group]:,}"

    def expectation(self, group: int | np.integer) -> str:
        """The expected share, in per cent."""
        return f"{self.expected[group] / self.of[group]:.1%}"
