"""Before any worker starts: whether the variables can be used. What is mistyped ends the command in words, and not worker after worker."""

from __future__ import annotations

import os
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

from serving import log


def check() -> None:
    """Nothing happens when all variables can be used.

    Raises:
        SettingsError: one cannot.
    """
    log.requests_told()
    named = [look for name, look in _LOOKS.items() if os.environ.get(name)]
    if named:
        with ProcessPoolExecutor(1) as apart:  # what it loads is gone with it: the process that keeps the workers stays small
            for looked in [apart.submit(look) for look in named]:
                looked.result()


def _settings() -> None:
    from models.settings import read_settings

    read_settings(Path(os.environ["LEADHEAT_SETTINGS"]))


def _store() -> None:
    from features.store.engine import address, open_store

    open_store(address())


def _webhook() -> None:
    from serving.handover.delivery import Webhook

    Webhook.from_environment()


def _zone() -> None:
    from serving.page.language import zone_of

    zone_of(os.environ)


_LOOKS: dict[str, Callable[[], None]] = {
    "LEADHEAT_SETTINGS": _settings,
    "LEADHEAT_STORE": _store,
    "LEADHEAT_WEBHOOK_URL": _webhook,
    "LEADHEAT_TIMEZONE": _zone,
}
"""How the variables are looked at that only workers use."""
