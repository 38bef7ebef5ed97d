"""A training: its figures, bands and gates."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from rich.console import Group
from rich.markup import escape
from rich.table import Table

from models.commands.tables import coloured, table
from training.show.figures import against, comparison

_WHAT = {
    "models": "all versions, and why",
    "promote": "put it in service",
    "score": "every open lead",
    "serve": "over HTTP, and a page",
}
"""What a command does that is named as a next step."""


def bands(some: Iterable[Mapping[str, Any]], notes: Iterable[str], policy: Mapping[str, Any] | None) -> Group:
    """The bands: from which probability, how many leads, how many of them are won; and what is to be said of them.

    Args:
        some: of the calibration part.
        notes: on how they were chosen.
        policy: what the test part shows, as ``Training.to_dict`` has it; None where there are no bands.
    """
    shown = table("Temperatures", "", "from", "share", "won, calibration part", "won, test part", fixed=True)
    proofs = {proof["name"]: proof for proof in policy["bands"]} if policy else {}
    for band in some:
        proof = proofs.get(band["name"])
        shown.add_row(coloured(band["name"]), f"{band['lower']:.3f}", f"{band['share']:.1%}", _rate(band), _rate(proof) if proof else "-")
    promises = [_promise(promise) for promise in policy["promises"]] if policy else []
    return Group(shown, *promises, *map(escape, [*notes, *(policy["notes"] if policy else ())]))


def _rate(band: Mapping[str, Any]) -> str:
    return "-" if band["rate"] is None else f"{band['rate']:.1%} ({band['rate_low']:.1%}-{band['rate_high']:.1%})"


def _promise(promise: Mapping[str, Any]) -> str:
    limit = f"{'at most' if promise['at_most'] else 'at least'} {promise['promised']:.3g} {promise['figure']}"
    shows = "-" if promise["actual"] is None else f"{promise['actual']:.3g} ({promise['low']:.3g}-{promise['high']:.3g})"
    return f"{coloured(promise['name'])} promised {limit}; the test part shows {shows}: {promise['verdict']}."


def verdicts(gates: Iterable[Mapping[str, Any]]) -> Table:
    """The gates and how each was passed."""
    shown = table("Gates", "", "", "why")
    for gate in gates:
        shown.add_row(gate["name"].replace("_", " "), "[green]holds[/]" if gate["passed"] else "[red]fails[/]", escape(gate["detail"]))
    return shown


def retraining(result: Mapping[str, Any]) -> Group:
    """What the unattended command did, and why."""
    fate = "it is the champion now" if result["promoted"] else "it was refused"
    made = f"Version {result['version']} was {result['action']}: {fate}."
    if result["action"] == "left":
        made = "The champion was left as it is."
    parts = [verdicts(result["gate"])] if result["gate"] else []
    return Group(*parts, made, *(f"- {escape(one)}" for one in result["why"]))


def training(result: Mapping[str, Any]) -> Group:
    """A training: figures, bands, gates, and what became of the version."""
    fate = "promoted: it is the champion now" if result["promoted"] else "not promoted; it stays the challenger"
    again = result["recalibrated"]
    source = f" It is version {again['from_version']}, recalibrated on {again['from']} to {again['to']}." if again else ""
    end = f"Version {result['version']} is {fate}.{source} {result['seconds']:.1f} s."
    figures = [comparison({"model": result["test"], "rules": result["rules"]}, differences=result["against_rules"])]
    if result["against_champion"]:
        figures.append(against(f"version {result['version']}", result["against_champion"]))
    beside = [escape(result["linear"]["words"])] if result["linear"] else []
    moved = [_moved(result["migration"])] if result["migration"] else []
    return Group(
        *figures,
        *beside,
        *_tuning(result["tuning"]),
        bands(result["bands"], result["notes"], result["policy"]),
        *moved,
        verdicts(result["gate"]),
        end,
    )


def next_steps(result: Mapping[str, Any], dataset: str) -> str:
    """Where the report lies, and what to do with the version: for eyes, and to be copied.

    Args:
        result: of a training.
        dataset: as a command is told it.
    """
    report = Path(result["report"])
    near = report.relative_to(Path.cwd()) if report.is_relative_to(Path.cwd()) else result["report"]
    steps = ["leadheat models", f"leadheat promote {result['version']}"]
    if result["promoted"]:
        steps[1:] = [f"leadheat score {dataset} --out scores.parquet", "leadheat serve"]
    elif not all(gate["passed"] for gate in result["gate"]):
        del steps[1:]
    told = (f"{step:<{max(map(len, steps))}}   {_WHAT[step.split()[1]]}" for step in steps)
    return escape(f"Report:\n  {near}\nNext: {f'{chr(10)}      '.join(told)}")


def _tuning(tuning: Mapping[str, Any] | None) -> list[str]:
    """What a tuning found, with the lines that keep it."""
    if tuning is None:
        return []
    keep = [f"To keep them, put this into leadheat.toml:\n\n{tuning['toml']}"] if tuning["taken"] else []
    return [escape(line) for line in [tuning["words"], *keep]]


def _moved(migration: Mapping[str, Any]) -> str:
    before, after = (sum(map(sum, migration[key])) for key in ("expected_before", "expected_after"))
    return (
        f"Beside version {migration['from']}, of {migration['leads']:,} open leads {migration['warmer']:,} are warmer and "
        f"{migration['cooler']:,} cooler ({before:.1f} wins expected before, {after:.1f} now): "
        f"`leadheat migration DATASET --from {migration['from']} --to {migration['to']}` tells who and why."
    )
