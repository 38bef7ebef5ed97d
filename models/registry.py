"""Tracked versions: every training is an MLflow run, every model a version of ``leadheat``; one of them is the champion.

A promotion goes through these steps, so that a process killed between any two leaves a champion that serves and a registry that
answers, and so that the next promotion, rollback or ``settle`` completes what was begun:

1. the version's folder is unpacked under ``LEADHEAT_HOME/versions`` (whole or not at all; nobody reads it yet);
2. the version notes which version it replaces, and why;
3. the alias ``champion`` moves: from here on the promotion counts;
4. ``settle``: the alias ``previous`` follows the note, ``challenger`` is free again, the link ``LEADHEAT_HOME/champion`` is replaced.

A rollback is the promotion of the previous version, so champion and previous change places and a second rollback undoes the first. It
asks no gate: that version was in service already.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from features.contract import ModelError
from models import home
from models.tracking import MODEL, SCORER, Client, tracking_uri
from models.version import Version

if TYPE_CHECKING:
    from models.run import TrainingRun

CHAMPION, CHALLENGER, PREVIOUS = "champion", "challenger", "previous"


class GateError(ModelError):
    """A version must not be promoted, because its gates do not hold."""


class Registry:
    """The versions at one tracking URI, and the champion of this machine that follows them.

    Args:
        uri: of MLflow's tracking store; by default what ``models.tracking`` says.

    Raises:
        ModelError: from every method, when the registry cannot be reached or has no such version.
    """

    def __init__(self, uri: str | None = None) -> None:
        self.uri = uri or tracking_uri()
        self._client = Client(self.uri)

    @contextmanager
    def run(self, name: str) -> Iterator[TrainingRun]:
        """A run for one training, in the experiment ``leadheat``; it ends as finished, or as failed when the block raises."""
        from models.run import TrainingRun  # needs all of MLflow: who only fetches versions does with its client

        with home.changing("registry.lock"):
            experiment = self._client.experiment(MODEL)
            if not self._client.search_registered_models(f"name = '{MODEL}'"):
                self._client.create_registered_model(MODEL)
        run_id = self._client.create_run(experiment, run_name=name).info.run_id
        status = "FAILED"
        try:
            yield TrainingRun(self._client, experiment, run_id)
            status = "FINISHED"
        finally:
            self._client.set_terminated(run_id, status)

    def versions(self) -> list[Version]:
        """All versions, oldest first."""
        aliases = self._aliases()
        entries = self._client.search_model_versions(f"name = '{MODEL}'")
        return sorted((Version.of(entry, aliases) for entry in entries), key=lambda version: int(version.version))

    def version(self, name: str) -> Version:
        """The version with a number, or with the alias ``champion``, ``challenger`` or ``previous``.

        Raises:
            ModelError: there is none.
        """
        versions = self.versions()
        for version in versions:
            if name == version.version or name in version.aliases:
                return version
        if name == CHAMPION:
            raise ModelError("There is no champion yet.", "Train one with `leadheat train DATASET`, or promote a version.")
        known = ", ".join(version.version for version in versions) or "none"
        raise ModelError(f"There is no version {name!r}; there are: {known}.", "`leadheat models` lists them with their aliases.")

    def fetch(self, name: str) -> Path:
        """The folder of a version (number or alias), unpacked on this machine and checked against its digest."""
        version = self.version(name)
        folder = home.unpacked(version.version, version.digest)
        with home.changing("versions.lock"):
            if not folder.is_dir() or home.digest(folder) != version.digest:
                self._unpack(version, folder)
        return folder

    @contextmanager
    def artifact(self, name: str, file: str) -> Iterator[Path]:
        """A file among the artifacts of a version's run (number or alias), for as long as the block lasts.

        Raises:
            ModelError: the run keeps no such file.
        """
        version = self.version(name)
        if file not in {kept.path for kept in self._client.list_artifacts(version.run_id)}:
            raise ModelError(f"The run of version {version.version} keeps no {file}.", "An older leadheat made it: train again.")
        with home.scratch() as scratch:
            yield self._client.download(f"runs:/{version.run_id}/{file}", scratch)

    def promote(self, name: str, reason: str, *, force: bool = False) -> Version:
        """Make a version (number or alias) the champion, in the registry and on this machine; the champion becomes the previous.

        Args:
            name: of the version.
            reason: why; it is kept with the version.
            force: promote it in spite of its gates; the reason is kept as ``forced`` for good.

        Raises:
            GateError: not every gate of the version holds, or it was judged beside another champion.
            ModelError: it is to be forced for no reason.
        """
        if force and not reason.strip():
            raise ModelError("A version is not forced without a reason.", 'Say why: --force --reason "...".')
        with self._deciding():
            version, champion = self.version(name), self._aliases().get(CHAMPION, "")
            obstacles = [] if version.version == champion else version.obstacles(champion)
            if obstacles and not force:
                hint = 'To promote it in spite of that: --force --reason "...". `leadheat rollback` returns to the version before.'
                raise GateError(f"Version {version.version} is not promoted: {'; '.join(obstacles)}.", hint)
            if obstacles:
                self._client.set_model_version_tag(MODEL, version.version, "forced", reason)
            return self._promote(version, reason)

    def rollback(self, reason: str = "") -> Version:
        """Let champion and previous version change places; returns the new champion.

        Raises:
            ModelError: no champion was ever replaced.
        """
        with self._deciding():
            aliases = self._aliases()
            if PREVIOUS not in aliases:
                raise ModelError(
                    "There is nothing to roll back to: no champion was ever replaced.", "`leadheat models` lists the versions."
                )
            replaced = self.version(CHAMPION)
            return self._promote(self.version(aliases[PREVIOUS]), reason or f"rolled back from version {replaced.version}")

    def refuse(self, name: str, reason: str) -> None:
        """Note why a version was not promoted; it stays the challenger."""
        self._client.set_model_version_tag(MODEL, self.version(name).version, "reason", reason)

    def settle(self) -> None:
        """Complete an interrupted promotion, and make the champion of this machine the registry's."""
        with home.changing("registry.lock"):
            self._settle()

    def pull(self) -> Version:
        """Make the registry's champion that of this machine; the registry is only read.

        What cannot be fetched whole changes nothing: the champion of before stays.
        """
        champion = self.version(CHAMPION)
        self._put_in_service(champion.version)
        return champion

    @contextmanager
    def _deciding(self) -> Iterator[None]:
        """One decision at a time on this machine, and none upon an unfinished one."""
        with home.changing("registry.lock"):
            self._settle()
            yield

    def _promote(self, version: Version, reason: str) -> Version:
        champion = self._aliases().get(CHAMPION, "")
        if version.version != champion:
            self.fetch(version.version)
            self._client.set_model_version_tag(MODEL, version.version, "replaces", champion)
            self._client.set_model_version_tag(MODEL, version.version, "reason", reason)
            self._client.set_registered_model_alias(MODEL, CHAMPION, version.version)
            self._settle()
        return self.version(version.version)

    def _settle(self) -> None:
        aliases = self._aliases()
        if CHAMPION not in aliases:
            return
        known = {version.version: version for version in self.versions()}
        champion = known[aliases[CHAMPION]]
        if champion.replaces in known and aliases.get(PREVIOUS) != champion.replaces:
            self._client.set_registered_model_alias(MODEL, PREVIOUS, champion.replaces)
        if aliases.get(CHALLENGER) == champion.version:
            self._client.delete_registered_model_alias(MODEL, CHALLENGER)
        self._put_in_service(champion.version)

    def _put_in_service(self, version: str) -> None:
        folder = self.fetch(version)
        in_service = home.champion()
        if in_service is None or in_service.folder != folder:
            home.put_in_service(folder)
            with home.changing("versions.lock"):
                home.prune(folder)

    def _unpack(self, version: Version, folder: Path) -> None:
        with home.scratch() as scratch:
            source = self._client.get_model_version_download_uri(MODEL, version.version)
            fresh = self._client.download(f"{source}/artifacts/{SCORER}", scratch)
            if home.digest(fresh) != version.digest:
                raise ModelError(
                    f"The files of version {version.version} at {self.uri} are not those that were registered.",
                    "They were changed or lost; promote another version or train a new one.",
                )
            home.adopt(fresh, folder)

    def _aliases(self) -> dict[str, str]:
        models = self._client.search_registered_models(f"name = '{MODEL}'")
        return {alias: str(version) for model in models for alias, version in model.aliases.items()}
