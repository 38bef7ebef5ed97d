"""Commands that run the service, and bring it its champion."""

from __future__ import annotations

import click

from models.commands.console import example, say
from models.commands.options import JSON


@click.command()
@click.option("--port", default=3000, show_default=True, type=click.IntRange(1, 65535), help="Where to listen.")
@click.option("--host", default="127.0.0.1", show_default=True, help="0.0.0.0 for all addresses.")
@click.option("--workers", default=1, show_default=True, type=click.IntRange(1, 256), help="Processes that score.")
@example("leadheat serve --port 3000")
def serve(port: int, host: str, workers: int) -> None:
    """Serve the champion over HTTP; without one, the rules. Other machines are served once there are keys: leadheat keys add."""
    from serving.service import serve as run

    run(port, workers, host)


@click.command()
@click.option("--every", type=click.FloatRange(min=1), metavar="SECONDS", help="Again and again, whatever happens, until interrupted.")
@JSON
@example("leadheat pull --every 3")
def pull(every: float | None, *, as_json: bool) -> None:
    """Bring the registry's champion to this machine. `leadheat serve` does it by itself where the registry is a server's."""
    from models.registry import Registry

    registry = Registry()
    if every is not None:
        import asyncio

        from serving import log
        from serving.loops import Loop

        log.configure()
        asyncio.run(Loop(f"the pull from {registry.uri.rpartition('@')[2]}", every, registry.pull).run())
    version = registry.pull().version
    say({"version": version}, f"Version {version} is the champion of this machine.", as_json=as_json)
