"""Commands about the API keys of the service."""

from __future__ import annotations

from typing import Any

import click

from models.commands.console import example, say
from models.commands.options import JSON


@click.group()
def keys() -> None:
    """API keys of the service; it takes up changes within a second."""


@keys.command("add")
@click.argument("name")
@click.option(
    "--scope", "scopes", multiple=True, required=True, type=click.Choice(["read", "score", "write", "erase"]), help="May be repeated."
)
@click.option("--expires", metavar="DURATION", help="Such as 90d; never by default.")
@JSON
@example("leadheat keys add crm --scope read --scope score --expires 90d")
def add_key(name: str, scopes: tuple[Any, ...], expires: str | None, *, as_json: bool) -> None:
    """Make a key and print it; it cannot be shown again."""
    from datetime import timedelta

    from features.contract import parse_duration
    from serving.keys import add

    try:
        lifetime = None if expires is None else timedelta(microseconds=parse_duration(expires))
    except ValueError as error:
        raise click.BadParameter(f"{error}.", param_hint="--expires") from error
    key = add(name, scopes, lifetime)
    say({"name": name, "scopes": list(scopes), "key": key}, key, as_json=as_json)


@keys.command("list")
@JSON
@example("leadheat keys list")
def list_keys(*, as_json: bool) -> None:
    """The keys there are: names, scopes, when made and until when valid."""
    from datetime import UTC, datetime

    from serving.keys import held

    listed = [key.to_dict(datetime.now(UTC)) for key in held()]
    words = [
        f"{one['name']}: {', '.join(one['scopes'])}; since {one['created_at']}, "
        + (f"{'expired' if one['expired'] else 'valid until'} {one['expires_at']}" if one["expires_at"] else "for ever")
        for one in listed
    ]
    say({"keys": listed}, *(words or ["There are no keys: the service answers this machine only."]), as_json=as_json)


@keys.command("revoke")
@click.argument("name")
@JSON
@example("leadheat keys revoke crm")
def revoke_key(name: str, *, as_json: bool) -> None:
    """Take a key out of service."""
    from serving.keys import revoke

    revoke(name)
    say({"revoked": name}, f"The key {name} is taken no more.", as_json=as_json)
