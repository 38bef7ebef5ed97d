"""Commands about the registered versions."""

from __future__ import annotations

import click

from training.commands.options import JSON
from training.console import example, say


@click.command()
@JSON
@example("leadheat models")
def models(*, as_json: bool) -> None:
    """List the versions: figures, aliases, why promoted or refused."""
    from models.registry import Registry
    from training.show.registered import versions as table

    versions = [version.to_dict() for version in Registry().versions()]
    say({"versions": versions}, table(versions), as_json=as_json)


@click.command()
@click.argument("version")
@click.option("--reason", default="promoted by hand", show_default=True, help="Why; it is kept with the version.")
@JSON
@example('leadheat promote 3 --reason "agreed with sales"')
def promote(version: str, reason: str, *, as_json: bool) -> None:
    """Make a version the champion."""
    from models.registry import Registry

    now = Registry().promote(version, reason).to_dict()
    say(now, f"Version {now['version']} is the champion.", as_json=as_json)


@click.command()
@JSON
@example("leadheat rollback")
def rollback(*, as_json: bool) -> None:
    """Let the champion and the version before it change places."""
    from models.registry import Registry

    now = Registry().rollback().to_dict()
    say(now, f"Version {now['version']} is the champion again.", as_json=as_json)
