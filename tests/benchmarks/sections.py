"""The sections of the page, each from its part of the results."""

from __future__ import annotations

from tests.benchmarks.sections_at_scale import batch, scaling, spark
from tests.benchmarks.tables import BY_HAND, OURS, SORTED, Row, by_name, fastest_peer, features_table, prose, seconds, table, verdict

ASKED = {"50-each": 2.5, "50-weekly": 2.5, "500-each": 15.0, "500-weekly": 15.0, "skewed-each": 8.0, "skewed-weekly": 8.0}
"""leadheat's whole catalogue: so many times faster than the fastest peer's 24 counts."""
ASKED_OF_KERNEL = 10.0
ASKED_OF_ONE = {"features, from records": 30, "features, model, calibration, bands, rules, from records": 120}
ASKED_WITH_REASONS = 1000
ASKED_INSIDE = 0.7
"""The least share of ``leadheat train`` that LightGBM and the kernel take, at ten million interactions."""

_OF_FEATURES = prose("""
    leadheat computes its whole default catalogue (float32), the others 24 windowed counts (6 types, 4 windows), all from the same
    unsorted Arrow tables. Each contender's counts are first compared with plain loops on a small world of the same kind, then by digest
    with leadheat's on this one. *Times leadheat's* is the contender's time divided by leadheat's: below 1 the contender is faster. Times
    are medians; memory is the most that the process had, with its input. Who needs ten times leadheat's time is stopped. Worlds with a
    weekly grid are smaller, to save time.
""")
_OF_TRAINING = prose("""
    The same matrices, made by leadheat. All have leadheat's learning rate, most trees, patience and threads, find their number of trees
    on the same held-out leads and then learn from all rows; the rest is as each library has it. The first row does more: it computes the
    features, learns three more models to calibrate on leads that none has seen, and chooses bands. Judged on later snapshots, with 95 %
    intervals by lead; *better* and *worse* are against leadheat on the same resamples.
""")
_OF_SHARE = prose("""
    The whole command on simulated worlds, settings as they are: what it takes from its first import to its end, and for how much of that
    at least one thread is inside LightGBM or the kernel that computes features. The rest is reading, audit, comparison with
    logistic regression, intervals, report and MLflow. Where data need more than half of the machine's memory, which is what a training
    may take when nothing is said, all of them are read and checked, and as many of their leads as fit are learnt from.
""")
_OF_HTTP = prose("""
    A lead of 50 interactions, 16 connections, one worker each, the load on the same processors; rounds in turns, with the least and the
    most of the rounds. leadheat, the bare endpoint and MLflow give the same scores; FastAPI's endpoint counts the same types in the same
    windows with pandas and gives the probability of a scikit-learn pipeline, nothing else.
""")


def _features(part: Row) -> str:
    parts = [f"## Features\n\n{_OF_FEATURES}"]
    for world in part["worlds"]:
        title = f"### {world['title'][0].upper()}{world['title'][1:]}"
        if world.get("failure"):
            parts.append(f"{title}\n\n{world['failure']}")
            continue
        leads = f"{world['leads']:,} leads, the busiest with {world['busiest']:,}"
        size = f"{world['interactions']:,} interactions of {leads}; {world['snapshots']:,} looks."
        parts.append("\n\n".join((title, size, features_table(world, by_name(world["rows"], OURS)), _features_words(world))))
    if "featuretools" in part:
        parts.append(_featuretools(part["featuretools"]))
    return "\n\n".join(parts)


def _features_words(world: Row) -> str:
    own, peer, kernel = by_name(world["rows"], OURS), fastest_peer(world["rows"]), by_name(world["rows"], OURS + SORTED)
    if own is None or peer is None:
        return "There is nothing to compare."
    told, asked = verdict(own["seconds"], peer["seconds"]), ASKED[world["world"]]
    words = [f"The fastest peer is {peer['title']}: leadheat's whole catalogue is **{told}** (asked: {asked:g} times faster)."]
    if kernel is not None:
        told = verdict(kernel["seconds"], peer["seconds"])
        words.append(f"The kernel alone, on sorted data, is {told} (asked: {ASKED_OF_KERNEL:g} times faster).")
    for ours, theirs, what in ((own, BY_HAND, "leadheat"), (kernel, BY_HAND + SORTED, "the kernel, on sorted data,")):
        rival = by_name(world["rows"], theirs)
        if ours is not None and rival is not None:
            words.append(f"Beside prefix sums written by hand {what} is {verdict(ours['seconds'], rival['seconds'])}.")
    return " ".join(words)


def _featuretools(part: Row) -> str:
    if part.get("failure"):
        return f"### featuretools\n\nNot measured: {part['failure']}"
    each = part["seconds"] / part["cutoffs"]
    return "### featuretools\n\n" + prose(f"""
        It computes everything anew at each distinct cutoff time, so it is timed on {part["interactions"]:,} interactions and
        {part["cutoffs"]} cutoff times, with featuretools {part["version"]} and pandas {part["pandas"]} in an environment of their own;
        its counts equal those of plain loops. The 24 counts take {part["seconds"]:.1f} s: **{each:.3f} s a distinct cutoff time**.
        *Extrapolated, not measured:* a million looks, each at a moment of its own, take {each * 1e6 / 3600:,.0f} hours, and more
        interactions take more.
    """)


def _train(part: Row) -> str:
    parts = [f"## Training\n\n{_OF_TRAINING}"]
    for data in part["data"]:
        if data.get("failure") and not data["rows"]:
            parts.append(f"### {data.get('name', 'a data set')}\n\n{data['failure']}")
            continue
        looks = f"{data['train']:,} training and {data['test']:,} later snapshots"
        size = f"{looks}, {data['columns']} columns; {data['interactions']:,} interactions"
        lines = []
        for row in data["rows"]:
            if row["failure"]:
                lines.append((row["title"], row["failure"], "", "", "", "", ""))
                continue
            figures = (_interval(row, "auc", 3), _interval(row, "log_loss", 4))
            lines.append(
                (row["title"], seconds(row), f"{row['processor_seconds']:.1f} s", f"{row['peak_gb']:.2f} GB", str(row["rounds"]), *figures)
            )
        parts.append(f"### {data['name']}\n\n{size}.\n\n" + table(("", "time", "processor", "memory", "trees", "AUC", "log loss"), lines))
    return "\n\n".join(parts)


def _interval(row: Row, figure: str, digits: int) -> str:
    if figure not in row:
        return ""
    value, low, high = (f"{one:.{digits}f}" for one in row[figure])
    verdict = row.get(f"{figure}_than_ours", "")
    return f"{value} [{low}, {high}]" + (f" {verdict}" if verdict else "")


def _train_share(part: Row) -> str:
    lines: list[tuple[str, ...]] = []
    for row in part["rows"]:
        size = f"{row['interactions']:,}"
        if row["failure"]:
            lines.append((size, row["failure"], "", "", "", ""))
            continue
        lightgbm, kernel = (f"{row[name]:.1f} s" for name in ("lightgbm", "kernel"))
        lines.append((size, seconds(row), lightgbm, kernel, f"{row['share']:.0%}", f"{row['peak_gb']:.2f} GB"))
    head = ("interactions", "time", "in LightGBM", "in the kernel", f"share of both (asked: {ASKED_INSIDE:.0%})", "memory")
    return f"## Where training spends its time\n\n{_OF_SHARE}\n\n{table(head, lines)}"


def _http_section(part: Row) -> str:
    if part.get("failure"):
        return f"## `/score` over HTTP\n\nNot measured: {part['failure']}"
    lines = []
    for row in part["rows"]:
        ratio = "" if row["ratio"] is None else f"{row['ratio']:.2f} [{row['least']:.2f}, {row['most']:.2f}]"
        lines.append((row["title"], f"{row['per_second']:,.0f}", f"{row['processor_ms']:.2f} ms", ratio))
    steady, head = part["steady"], ("", "a second", "processor each", "leadheat's throughput divided by its")
    at_rate = (
        f"At a steady {steady['per_second']:.0f} a second: median {steady['p50_ms']:.1f} ms, 99th percentile {steady['p99_ms']:.1f} ms."
    )
    return f"## `/score` over HTTP\n\n{_OF_HTTP}\n\n{table(head, lines)}\n\n{at_rate}"


def _one_lead(part: Row) -> str:
    if part.get("failure"):
        return f"## One lead in process\n\nNot measured: {part['failure']}"
    lines = []
    for row in part["rows"]:
        asked = ASKED_OF_ONE.get(row["title"], ASKED_WITH_REASONS if "with reasons" in row["title"] else None)
        lines.append((row["title"], f"{row['median_us']:.0f} µs", f"{row['p99_us']:.0f} µs", "" if asked is None else f"{asked} µs"))
    return "## One lead in process\n\n50 interactions, one thread.\n\n" + table(("", "median", "99th percentile", "asked"), lines)


def _report(part: Row) -> str:
    if part.get("failure"):
        return f"## The report\n\nNot measured: {part['failure']}"
    lines = [(step["title"], seconds(step), f"{step['processor_seconds']:.2f} s") for step in part["steps"]]
    size = f"Figures, intervals and page of {part['rows']:,} test snapshots, {part['size'] / 1e6:.2f} MB."
    return f"## The report\n\n{size}\n\n" + table(("", "time", "processor"), lines)


SECTIONS = {
    "features": _features,
    "train": _train,
    "train-share": _train_share,
    "http": _http_section,
    "one-lead": _one_lead,
    "report": _report,
    "batch": batch,
    "spark": spark,
    "scaling": scaling,
}
