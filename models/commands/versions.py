"""Commands about the registered versions."""

from __future__ import annotations

import click

from models.commands.console import example, say
from models.commands.options import JSON


@click.command()
@JSON
@example("leadheat models")
def models(*, as_json: bool) -> None:
    """List the versions: figures, aliases, why promoted or refused."""
    from models.commands.registered import versions as table
    from models.registry import Registry

    versions = [version.to_dict() for version in Registry().versions()]
    say({"versions": versions}, table(versions), as_json=as_json)


@click.command()
@click.argument("version")
@click.option("--reason", help="Why; it is kept with the version.")
@click.option("--force", is_flag=True, help="Promote it although not every gate holds; --reason must say why.")
@JSON
@example('leadheat promote 3 --force --reason "the rules are to go, agreed with sales"')
def promote(version: str, reason: str | None, *, force: bool, as_json: bool) -> None:
    """Make a version the champion; exit code 1 if not every gate of it holds."""
    if force and not (reason or "").strip():
        raise click.UsageError("--force needs --reason: it is kept with the version.")
    from models.registry import Registry

    now = Registry().promote(version, reason or "promoted by hand", force=force).to_dict()
    say(now, f"Version {now['version']} is the champion.", as_json=as_json)


@click.command()
@JSON
@example("leadheat rollback")
def rollback(*, as_json: bool) -> None:
    """Let the champion and the version before it change places."""
    from models.registry import Registry

    now = Registry().rollback().to_dict()
    say(now, f"Version {now['version']} is the champion again.", as_json=as_json)
