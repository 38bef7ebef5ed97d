"""Commands that make versions."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

import click

from models.commands.console import example, say
from models.commands.options import DATASET, JSON, MEMORY, read_dataset, tell

if TYPE_CHECKING:
    from features.dataset import Dataset
    from models.settings import Source

logger = logging.getLogger("leadheat")


def _codes(_context: click.Context, _parameter: click.Parameter, codes: tuple[str, ...]) -> tuple[str, ...]:
    if codes:
        from features.audit.codes import refuse_unknown

        refuse_unknown(codes)
    return codes


ALLOW = click.option(
    "--allow", metavar="CODE", multiple=True, callback=_codes, help="An error of the audit to train in spite of; the run records it."
)


@click.command()
@DATASET
@click.option("--no-promote", is_flag=True, help="Register the version as challenger and leave it at that.")
@click.option("--tune", "trials", default=0, metavar="N", type=click.IntRange(min=0), help="Try N settings first; repeat to go on.")
@ALLOW
@MEMORY
@JSON
@example("leadheat train my-world --tune 30")
def train(source: Source, *, no_promote: bool, trials: int, allow: tuple[str, ...], memory: int, as_json: bool) -> int:
    """Audit, train, compare with rules and champion, track in MLflow, and promote if every gate holds; exit code 1 if one does not.

    With --tune, settings are tried on parts of the training data first, and taken where they are clearly better. An interrupted tuning
    goes on when the same command is repeated. Data larger than --memory are read and checked bucket by bucket, and as many of their leads,
    a random sample, are learnt from as fit.
    """
    from models.registry import Registry
    from training.show.learnt import next_steps, training
    from training.train import train as run

    done = run(_read_to_learn(source, memory), source.settings, Registry(), promote=not no_promote, allow=allow, trials=trials)
    result = done.to_dict()
    say(result, training(result), next_steps(result, source.dataset), as_json=as_json)
    return 0 if done.promoted or no_promote else 1


@click.command()
@DATASET
@click.option("--no-promote", is_flag=True, help="Register the version as challenger and leave it at that.")
@ALLOW
@JSON
@example("leadheat recalibrate my-world")
def recalibrate(source: Source, *, no_promote: bool, allow: tuple[str, ...], as_json: bool) -> int:
    """Make a version from the champion, with its trees, a new calibration and new bands; promote it if every gate holds.

    It takes the newest matured snapshots that the trees have not learnt from, and the [temperature] policy of DATASET. Exit code 1 if too
    little has matured, or a gate does not hold.
    """
    from models.registry import Registry
    from training.recalibrate import recalibrate as run
    from training.show.learnt import next_steps, training

    done = run(read_dataset(source), source.settings, Registry(), promote=not no_promote, allow=allow)
    result = done.to_dict()
    say(result, training(result), next_steps(result, source.dataset), as_json=as_json)
    return 0 if done.promoted or no_promote else 1


@click.command()
@DATASET
@click.option("--if-needed", is_flag=True, help="Look first, and do nothing where nothing speaks against the champion.")
@ALLOW
@JSON
@example("leadheat retrain my-world --if-needed --json")
def retrain(source: Source, *, if_needed: bool, allow: tuple[str, ...], as_json: bool) -> int:
    """The nightly command: leave the champion, recalibrate it or train anew, through the same gate.

    It looks at what monitoring says and at how much has matured since the last training; [retrain] in DATASET has the limits. Exit code 0:
    nothing was needed, or a new champion is in place; 1: gate or data refused.
    """
    from models.registry import Registry
    from training.retrain import retrain as run
    from training.show.learnt import retraining

    done = run(source, Registry(), if_needed=if_needed, allow=allow)
    result = done.to_dict()
    say(result, retraining(result), as_json=as_json)
    return 0 if done.ok else 1


def _read_to_learn(source: Source, memory: int) -> Dataset:
    """The data set, or as many of its leads as can be learnt from within so many bytes; its findings are told on stderr."""
    from training.within import read_within, to_learn

    logger.info("reading %s", source.settings.data.name)
    dataset = read_within(source, memory, to_learn).dataset
    tell(dataset.findings)
    return dataset
