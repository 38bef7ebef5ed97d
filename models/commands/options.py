"""What several commands share: arguments, options, and reading what they name."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from collections.abc import Iterable

    from features.contract import Finding
    from features.dataset import Dataset
    from models.scorer import LeadScorer
    from models.settings import Source

logger = logging.getLogger("leadheat")


def _source(_context: click.Context, _parameter: click.Parameter, path: Path) -> Source:
    from models.settings import read_settings

    return read_settings(path)


def _bytes(_context: click.Context, _parameter: click.Parameter, text: str | None) -> int:
    from pydantic import ByteSize, TypeAdapter, ValidationError

    from features.buckets.budget import SMALLEST, default_budget

    if text is None:
        return default_budget()
    try:
        budget = int(TypeAdapter(ByteSize).validate_python(text))
    except ValidationError as error:
        raise click.BadParameter(f"{text!r} is no size; write a number and a unit, such as 4GB or 3500MiB.") from error
    if budget < SMALLEST:
        raise click.BadParameter(f"{text} is too little: the libraries alone take half a gigabyte. At least 1GB.")
    return budget


DATASET = click.argument("source", metavar="DATASET", type=click.Path(path_type=Path), callback=_source)
JSON = click.option("--json", "as_json", is_flag=True, help="Print exactly one JSON object on stdout.")
VERSION = click.option("--version", default="champion", show_default=True, help="A version's number or alias.")
MEMORY = click.option(
    "--memory", metavar="SIZE", callback=_bytes, help="What the work may take, such as 4GB; by default half of the machine's memory."
)


def load_scorer(version: str) -> LeadScorer:
    """The scorer of a version, by number or alias."""
    from models.registry import Registry
    from models.scorer import LeadScorer

    registry = Registry()
    return LeadScorer.load(registry.fetch(version), registry.version(version).version)


def read_dataset(source: Source, scorer: LeadScorer | None = None) -> Dataset:
    """The data set, with the attributes that a scorer knows or with all it has; its findings are told on stderr."""
    from features.dataset import Dataset

    logger.info("reading %s", source.settings.data.name)
    dataset = Dataset.read(source.settings.data, source.root, scorer.schema if scorer else None)
    tell(dataset.findings)
    return dataset


def tell(findings: Iterable[Finding]) -> None:
    """Tell findings on stderr."""
    for finding in findings:
        logger.info("%s (%d)", ": ".join(filter(None, (finding.severity, finding.place, finding.detail))), finding.count)
