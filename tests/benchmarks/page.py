"""From results to words: ``tests/benchmarks/README.md`` and the short table of the README, which nobody edits by hand."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from tests.benchmarks.batch import SORTED_BY
from tests.benchmarks.sections import SECTIONS
from tests.benchmarks.spark import LOCAL
from tests.benchmarks.tables import OURS, Row, by_name, fastest_peer, prose, seconds, table, verdict

Results = Mapping[str, Any]

BEGIN, END = "<!-- benchmarks: written by make bench -->", "<!-- /benchmarks -->"


def page(results: Results) -> str:
    """The whole page, in Markdown."""
    parts = [_head(results), *(write(results[name]) for name, write in SECTIONS.items() if name in results)]
    return "\n\n".join(parts) + "\n"


def with_short(readme: str, results: Results) -> str:
    """A README with the short table between its marks.

    Raises:
        ValueError: it has no such marks.
    """
    if readme.count(BEGIN) != 1 or readme.count(END) != 1:
        raise ValueError(f"the README needs one {BEGIN} and one {END}")
    before, rest = readme.split(BEGIN)
    return f"{before}{BEGIN}\n{short(results)}\n{END}{rest.split(END)[1]}"


def short(results: Results) -> str:
    """What matters most, a line each."""
    lines: list[Sequence[str]] = []
    for world in _worlds(results.get("features", {})):
        own, peer = by_name(world["rows"], OURS), fastest_peer(world["rows"])
        if own is not None and peer is not None:
            what = f"features: {world['interactions']:,} interactions, {world['snapshots']:,} looks; {world['title']}"
            lines.append(
                (what, seconds(own), f"{peer['title']}, 24 counts only: {seconds(peer)}", verdict(own["seconds"], peer["seconds"]))
            )
    for data in results.get("train", {}).get("data", []):
        own, peer = by_name(data["rows"], "leadheat_trees"), fastest_peer(data["rows"])
        if own is not None and peer is not None:
            what = f"training on {data['train']:,} snapshots of {data['name']}, the same matrix"
            lines.append((what, seconds(own), f"{peer['title']}: {seconds(peer)}", verdict(own["seconds"], peer["seconds"])))
            lines += _quality(data["rows"])
    lines += _batch(results.get("batch", {}).get("rows", []))
    lines += _spark(results.get("spark", {}))
    lines += [
        (f"`/score` over HTTP, beside {title}", f"{own:,.0f} a second", f"{theirs:,.0f} a second", verdict(1 / own, 1 / theirs))
        for title, own, theirs in _http(results.get("http", {}))
    ]
    return table(("what", "leadheat", "the peer", "leadheat is"), lines)


def _batch(rows: Sequence[Row]) -> list[Sequence[str]]:
    """Batch scoring beside no more than the reading and sorting of its files."""
    own, sort = by_name(rows, "bands"), by_name(rows, SORTED_BY)
    if own is None or sort is None:
        return []
    what = f"batch: {own['interactions']:,} interactions of {own['leads']:,} leads, from Parquet to bands"
    return [(what, seconds(own), f"{sort['title']}: {seconds(sort)}", verdict(own["seconds"], sort["seconds"]))]


def _spark(part: Row) -> list[Sequence[str]]:
    """Features on Spark beside counts in its SQL, and what the engine costs where one machine is enough."""
    world, rows = part.get("world", {"rows": []}), part.get("rows", [])
    own, peer = by_name(world["rows"], f"{OURS}_spark"), fastest_peer(world["rows"])
    lines: list[Sequence[str]] = []
    if own is not None and peer is not None:
        what = f"features on Spark: {world['interactions']:,} interactions, {world['snapshots']:,} looks"
        lines.append((what, seconds(own), f"{peer['title']}, 24 counts only: {seconds(peer)}", verdict(own["seconds"], peer["seconds"])))
    own, alone = by_name(rows, "spark"), by_name(rows, LOCAL)
    if own is not None and alone is not None:
        what = f"batch on Spark's local mode: {own['interactions']:,} interactions of {own['leads']:,} leads"
        lines.append((what, seconds(own), f"leadheat without Spark: {seconds(alone)}", verdict(own["seconds"], alone["seconds"])))
    return lines


def _quality(rows: Sequence[Row]) -> list[Sequence[str]]:
    """Who has the highest AUC beside leadheat."""
    judged = [row for row in rows if "auc" in row and not row["contender"].startswith(OURS)]
    own = next((row for row in rows if row["contender"] == OURS and "auc" in row), None)
    if own is None or not judged:
        return []
    best = max(judged, key=lambda row: float(row["auc"][0]))
    told = {"better": "worse", "worse": "better", "tie": "a tie"}[best["auc_than_ours"]]
    return [("AUC on later snapshots", f"{own['auc'][0]:.3f}", f"{best['title']}: {best['auc'][0]:.3f}", told)]


def _head(results: Results) -> str:
    machine = results["machine"]
    versions = ", ".join(f"{name} {version}" for name, version in machine["versions"].items())
    words = prose(f"""
        Written by `make bench` from `results.json`; edit neither. Every contender runs in a process of its own, with two threads and
        limits of time and memory; one that breaks a limit has a row that says so. Made on {machine["processors"]} processors and
        {machine["memory_gb"]:.0f} GB of a virtual machine, where only ratios of the same run mean something: {machine["python"]},
        {versions}.
    """)
    return f"# Benchmarks\n\n{words}"


def _worlds(part: Row) -> list[Row]:
    return [world for world in part.get("worlds", []) if not world.get("failure")]


def _http(part: Row) -> Iterable[tuple[str, float, float]]:
    rows = part.get("rows", [])
    own = next((row["per_second"] for row in rows if row["name"] == OURS), None)
    return [(row["title"], own, row["per_second"]) for row in rows if own and row["name"] in ("usual", "mlflow")]
