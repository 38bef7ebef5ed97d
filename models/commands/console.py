"""What a command says and where: its result on stdout, in words or as one JSON object, and all else on stderr."""

from __future__ import annotations

import json
import logging
import os
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from functools import partial
from typing import Any, TypeVar

import click

Function = TypeVar("Function", bound=Callable[..., int | None])
INTERRUPTED = 130
"""The exit code of a command that was interrupted: 128 and the number of the signal, as shells have it."""


class Commands(click.Group):
    """Shows what is going on; what went wrong ends in words and an exit code: 1 refused, 2 wrong call."""

    def main(self, *args: Any, **options: Any) -> Any:
        """Run a command and leave with its exit code."""
        try:
            with _watched():
                code = super().main(*args, **{**options, "standalone_mode": False})
            sys.stdout.flush()
        except BrokenPipeError:
            code = 1
        except (Exception, KeyboardInterrupt) as error:
            told = _tell(error, as_json="--json" in sys.argv[1:])
            if told is None:
                raise
            code = told
        _end_output()
        sys.exit(code if isinstance(code, int) else 0)


def example(text: str) -> Callable[[Function], Function]:
    """Add an example to a command's help."""

    def add(function: Function) -> Function:
        function.__doc__ = f"{function.__doc__}\n\n    Example: {text}\n"
        return function

    return add


def say(result: Mapping[str, Any], *words: Any, as_json: bool) -> None:
    """Print a result: as one JSON object, or as words and tables."""
    if as_json:
        click.echo(json.dumps(result, ensure_ascii=False, allow_nan=False))
        return
    from rich.console import Console

    console = Console(highlight=False)
    for one in words:
        console.print(one, soft_wrap=isinstance(one, str))


def _tell(error: BaseException, *, as_json: bool) -> int | None:
    """Say what went wrong and return the exit code; None if it is not for a person to mend."""
    from features.contract import LeadheatError

    complain = partial(_complain, as_json=as_json)
    if isinstance(error, LeadheatError):
        return complain(error.message, error.hint, error.exit_code, getattr(error, "findings", ()))
    if isinstance(error, click.ClickException):
        return complain(error.format_message(), "--help shows how to call it.", error.exit_code)
    if isinstance(error, click.Abort | KeyboardInterrupt):
        return complain("Interrupted.", "Nothing is left half done: repeat the command.", INTERRUPTED)
    if isinstance(error, OSError):
        place = f"{error.filename}: " if error.filename else ""
        return complain(f"{place}{error.strerror or error}.", "Is there room on the disk, and may you read and write there?", 1)
    if isinstance(error, MemoryError):
        return complain("The memory of this machine is used up.", "Take fewer leads, or a larger machine.", 1)
    return None


def _complain(message: str, hint: str, code: int, findings: Any = (), *, as_json: bool) -> int:
    if as_json:
        told = [finding.to_dict() for finding in findings]
        with suppress(OSError):
            click.echo(json.dumps({"ok": False, "error": message, "hint": hint, "findings": told}, ensure_ascii=False))
    if findings:
        from rich.console import Console

        from models.commands.findings import findings as table

        Console(stderr=True, highlight=False).print(table(findings))
    click.secho(message, fg="red", err=True)
    if hint:
        click.echo(hint, err=True)
    return code


def _end_output() -> None:
    """Let what cannot be written go nowhere, for Python would try once more when it ends."""
    try:
        sys.stdout.flush()
    except OSError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


@contextmanager
def _watched() -> Iterator[None]:
    """Tell the steps on stderr, with a progress bar where that is a terminal."""
    logger, handler = logging.getLogger("leadheat"), _Steps()
    logger.addHandler(handler)
    logger.setLevel(logging.INFO)
    with ExitStack() as stack:
        stack.callback(logger.removeHandler, handler)
        if sys.stderr.isatty():
            from features.progress import shown_by

            stack.enter_context(shown_by(_bar))
        yield


class _Steps(logging.Handler):
    """What is logged, in lines on stderr."""

    def emit(self, record: logging.LogRecord) -> None:
        """Print a line."""
        click.echo(f"leadheat: {record.getMessage()}", err=True)


@contextmanager
def _bar(words: str, steps: int) -> Iterator[Any]:
    """A bar that is gone when the work is done."""
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

    columns = (TextColumn("leadheat: {task.description}"), BarColumn(), TaskProgressColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as shown:
        task = shown.add_task(words, total=steps)
        yield lambda done: shown.advance(task, done)
