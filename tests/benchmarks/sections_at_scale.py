"""The sections of the page about many leads: batch, Spark and scaling."""

from __future__ import annotations

from tests.benchmarks.batch import MEMORY, SORTED_BY
from tests.benchmarks.scaling import MACHINES, PREDICTED
from tests.benchmarks.spark import LOCAL
from tests.benchmarks.tables import Row, by_name, features_table, prose, seconds, table, verdict

ASKED_OF_BATCH, ASKED_MEMORY = 2.0, 4.0
"""At most so many times the time of DuckDB's read and sort, and so many gigabytes."""

_OF_BATCH = prose(f"""
    From Parquet files of unsorted interactions to a file of scores with bands, by the command with its start and `--memory {MEMORY}`.
    DuckDB reads the same interactions and sorts them by lead and time, with its own limits of memory, and scores nothing. One run of each,
    one after the other; memory is that of all the processes of a contender.
""")
_OF_SPARK = prose("""
    `leadheat score --engine spark` from Parquet files to a file of scores without reasons, with its start and Spark's; each file is
    compared with that of one machine, and all are equal to the last bit. The clusters are standalone: master, driver and workers are
    processes of this one machine with its two processors, and a worker has one core. Memory is that of the command's own processes,
    not of the cluster's.
""")
_OF_SPARK_FEATURES = prose("""
    All begin with the same Parquet files and a session that runs on both processors, and end in Spark's sink that keeps nothing; the counts
    are compared with plain loops first, then by digest with leadheat's.
""")
_OF_SCALING = prose("""
    *score* is the command, from Parquet files to a file of scores, with its start; *features* the whole
    default catalogue from unsorted tables in memory, one look at each lead. The dotted lines are the model of the cost.
""")


def batch(part: Row) -> str:
    """Batch beside no more than reading and sorting."""
    rows, sort = part["rows"], by_name(part["rows"], SORTED_BY)
    size = f"{rows[0]['interactions']:,} interactions of {rows[0]['leads']:,} leads."
    lines = []
    for row in rows:
        if row["failure"]:
            lines.append((row["title"], row["failure"], "", "", "", ""))
            continue
        each = f"{row['seconds'] / row['leads'] * 1e6:.1f} s"
        ratio = "" if sort is None or row is sort else f"{row['seconds'] / sort['seconds']:.2f}"
        lines.append((row["title"], seconds(row), each, f"{row['processor_seconds']:.1f} s", f"{row['peak_gb']:.2f} GB", ratio))
    head = ("", "time", "per million leads", "processor", "memory", "times DuckDB's")
    asked = f"Asked: at most {ASKED_OF_BATCH:g} times DuckDB's time, and {ASKED_MEMORY:g} GB."
    return f"## Batch\n\n{size} {_OF_BATCH}\n\n{table(head, lines)}\n\n{asked}"


def spark(part: Row) -> str:
    """Spark beside one machine, and its SQL beside leadheat on it."""
    if part.get("failure"):
        return f"## Spark\n\nNot measured: {part['failure']}"
    rows, own = part["rows"], by_name(part["rows"], LOCAL)
    size = f"{rows[0]['interactions']:,} interactions of {rows[0]['leads']:,} leads."
    lines = []
    for row in rows:
        if row["failure"]:
            lines.append((row["title"], row["failure"], "", ""))
            continue
        ratio = "" if own is None or row is own else f"{row['seconds'] / own['seconds']:.2f}"
        lines.append((row["title"], seconds(row), f"{row['peak_gb']:.2f} GB", ratio))
    parts = [f"## Spark\n\n{size} {_OF_SPARK}", table(("", "time", "memory", "times one machine's"), lines)]
    one, two = (by_name(rows, f"cluster_{workers}") for workers in (1, 2))
    if one is not None and two is not None:
        parts.append(f"A second worker makes the run {verdict(two['seconds'], one['seconds'])}.")
    if (world := part.get("world")) and world.get("failure"):
        parts.append(f"### Features on Spark\n\nNot measured: {world['failure']}")
    elif world:
        own = by_name(world["rows"], "leadheat_spark")
        size = f"{world['interactions']:,} interactions of {world['leads']:,} leads, {world['snapshots']:,} looks."
        parts += [f"### Features on Spark\n\n{size} {_OF_SPARK_FEATURES}", features_table(world, own)]
    return "\n\n".join(parts)


def scaling(part: Row) -> str:
    """The curves and the model of the cost."""
    lines = []
    for row in part["rows"]:
        if "interactions" not in row:
            return f"## Scaling\n\nNot measured: {row['failure']}"
        told = ("", "", row["failure"]) if row["failure"] else (seconds(row), f"{row['peak_gb']:.2f} GB", "")
        lines.append((row["what"], f"{row['interactions']:,}", f"{row['leads']:,}", *told))
    head = ("", "interactions", "leads", "time", "memory", "")
    parts = [
        f"## Scaling\n\nMeasured: `{part['command']}`. {_OF_SCALING}\n\n![time and memory by size](scaling.svg)\n\n{table(head, lines)}"
    ]
    parts += [_cost(what, found) for what, found in part["summary"].items()]
    return "\n\n".join(parts)


def _cost(what: str, found: Row) -> str:
    exponent = found["exponent"]
    slope = "" if exponent is None else f" Exponent from a million interactions on: **{exponent:.2f}** (asked: at most 1.1)."
    if "no_model" in found:
        return f"*{what}*:{slope} {found['no_model']}"
    residuals = ", ".join(f"{one:+.0%}" for one in found["residuals"])
    each = f"{found['per_interaction'] * 1e6:.2f} µs an interaction + {found['per_lead'] * 1e6:.1f} µs a lead"
    alone, together = f"{found['predicted_alone'] / 3600:.1f} hours", f"{found['predicted_cluster'] / 60:.0f} minutes"
    return prose(f"""
        *{what}*:{slope} Model: {found["fixed"]:.2f} s + {each}; measured beside it, run by run: {residuals}. For {PREDICTED:,}
        interactions of {PREDICTED // 50:,} leads it says {alone} on one such machine and {together} on {MACHINES} of them, if leads are
        hashed evenly over the machines, each reads its share as fast as here, and bringing the shares together costs nothing. *A
        prediction, not a measurement.*
    """)
