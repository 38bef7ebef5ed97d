"""Features of a few leads, computed by the kernel as this process loads it; run as a file, so that PYTHONPATH says whose kernel that is."""

from __future__ import annotations

import hashlib
import json
import sys

import numpy as np

from features.catalogue import FeatureSettings
from features.compute import compute
from features.contract import DAY, HOUR
from features.intake import history_of
from features.native import objects
from features.records import InteractionRecord, LeadRecord
from features.schema import Schema
from features.vocabulary import fit_features


def probe() -> dict[str, object]:
    """The SHA-256 of the features, the key of the machine code, and which of the libraries that compile are loaded."""
    kinds = ("visit", "mail", "call")
    leads = [
        LeadRecord(str(n), 0, {}, [InteractionRecord(kinds[(n + k) % 3], k * (n + 1) * HOUR, direction=k % 3) for k in range(40 * n)])
        for n in range(20)
    ]
    history = history_of(leads, Schema())
    features = fit_features(history, FeatureSettings(min_count=1), {})
    lead, as_of = np.repeat(np.arange(len(leads)), 30), np.tile(np.arange(30) * 3 * DAY + HOUR, len(leads))
    digest = hashlib.sha256(compute(features, history, lead, as_of).tobytes()).hexdigest()
    return {"digest": digest, "key": objects.key(), "loaded": sorted({"llvmlite", "numba"} & set(sys.modules))}


if __name__ == "__main__":
    print(json.dumps(probe()))  # noqa: T201
