"""Commands that watch a version in service."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from models.commands.console import example, say
from models.commands.options import DATASET, JSON, load_scorer, read_dataset

if TYPE_CHECKING:
    from models.settings import Source
    from training.monitoring import Monitoring


@click.command()
@DATASET
@click.option("--log", type=click.Path(path_type=Path, file_okay=False, exists=True), help="A score log; this machine's by default.")
@click.option("--since", help="Judge looks from this moment on only, such as 2026-01-31.")
@click.option("--version", help="Judge this version only, by number or alias; with --rescore the champion by default.")
@click.option("--rescore", is_flag=True, help="Read no log: judge what the version would have said since its training.")
@click.option("--prometheus", type=click.Path(path_type=Path, dir_okay=False), help="Write gauges for the node exporter.")
@JSON
@example("leadheat monitor my-world --prometheus /var/lib/node_exporter/leadheat.prom")
def monitor(source: Source, *, as_json: bool, prometheus: Path | None, **options: Any) -> int:
    """Hold the score log against what came of the leads: rates, drift, skew; exit code 1 when an alert is an error."""
    from training.monitoring.prometheus import write_prometheus
    from training.show.monitoring import monitoring

    if prometheus is not None:
        source.check_out(prometheus)
    result = _monitored(source, **options)
    if prometheus is not None:
        write_prometheus(result, prometheus)
    say(result.to_dict(), monitoring(result), as_json=as_json)
    return 0 if result.ok else 1


def _monitored(source: Source, log: Path | None, since: str | None, version: str | None, *, rescore: bool) -> Monitoring:
    from features.contract import SettingsError, parse_moment
    from models.registry import Registry
    from training.monitoring import monitor_log, monitor_rescored

    moment = None if since is None else parse_moment(since)
    if rescore:
        if log is not None:
            raise SettingsError("--rescore reads no log.", "Leave out --log, or --rescore.")
        scorer = load_scorer(version or "champion")
        return monitor_rescored(read_dataset(source), source.settings, scorer, moment)
    registry = Registry()
    number = registry.version(version).version if version else None
    return monitor_log(read_dataset(source), source.settings, registry, log, moment, number)
