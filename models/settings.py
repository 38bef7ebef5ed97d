"""``leadheat.toml``: the whole file. Each part is defined where it is used; here they come together and are read."""

from __future__ import annotations

import os
import shlex
import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple, Self, TypeVar

from pydantic import BaseModel, Field, ValidationError, field_validator, model_validator

from features.catalogue import FeatureSettings
from features.contract import SettingsError, Strict
from features.data_settings import STORE, Constant, DataSettings, InteractionsSettings, OutcomesSettings, TableSettings
from features.files import reads
from features.nearest import aside, choices
from features.signals import SignalSettings
from features.snapshots import SnapshotSettings
from models.consent import ConsentSettings
from models.exploration import ExplorationSettings
from models.funnel import FunnelSettings
from models.gate import GateSettings
from models.learning import LearningSettings, TuningSettings
from models.monitoring import MonitorSettings
from models.next_steps import DEFAULT_STEPS, Steps, check_signals, with_defaults
from models.qualification_settings import QualificationSettings, Threshold
from models.reasons import ReasonSettings
from models.retraining import RetrainSettings
from models.rules_settings import RulesSettings
from models.temperature import TemperatureSettings
from models.whole_file import check_place

FILE = "leadheat.toml"
Part = TypeVar("Part", bound=BaseModel)
_BRANCHES = ("function-", "tuple[", "dict[", "literal[", Constant.__name__, Threshold.__name__)
"""How pydantic names, within the place of a problem, the alternative that it tried."""


class ScoringSettings(Strict):
    """The parts that decide about features and scores; a model keeps them."""

    features: FeatureSettings = FeatureSettings()
    signals: dict[str, SignalSettings] = Field(default_factory=dict)
    model: LearningSettings = LearningSettings()
    temperature: TemperatureSettings = TemperatureSettings()
    exploration: ExplorationSettings = ExplorationSettings()
    reasons: ReasonSettings = ReasonSettings()
    rules: RulesSettings = RulesSettings()
    qualification: QualificationSettings = QualificationSettings()
    next_steps: Steps = DEFAULT_STEPS
    consent: ConsentSettings = ConsentSettings()
    funnel: FunnelSettings = FunnelSettings()

    @model_validator(mode="after")
    def _known_signals(self) -> Self:
        check_signals(self.next_steps, self.signals)
        return self


class Settings(ScoringSettings):
    """All of ``leadheat.toml``."""

    data: DataSettings
    snapshots: SnapshotSettings = SnapshotSettings()
    gate: GateSettings = GateSettings()
    retrain: RetrainSettings = RetrainSettings()
    monitor: MonitorSettings = MonitorSettings()
    tuning: TuningSettings = TuningSettings()

    @field_validator("next_steps")
    @classmethod
    def _whole_table(cls, declared: Steps) -> Steps:
        """A file states what it wants otherwise; a model keeps the whole table."""
        return with_defaults(declared)

    @model_validator(mode="after")
    def _consent_is_heard(self) -> Self:
        """What opts out, permits or objects must count without any other consent."""
        spoken = [*self.consent.opt_out, *(one for _, ground in self.consent.grounds() for one in (*ground.types, *ground.withdrawn))]
        for rule in self.data.consent:
            lost = [kind for kind in spoken if rule.asks(kind) and kind not in rule.except_types]
            if lost:
                raise ValueError(f"data.consent withholds {lost}, which [consent] goes by; name them in its except_types")
        return self

    @property
    def scoring(self) -> ScoringSettings:
        """The parts that a model keeps."""
        return ScoringSettings(**{name: getattr(self, name) for name in ScoringSettings.model_fields})


class Source(NamedTuple):
    """Settings, the folder that their relative paths start from, and the file that they were read from, if from any."""

    settings: Settings
    root: Path
    file: Path | None = None

    @property
    def dataset(self) -> str:
        """What to tell a command so that it reads these settings: the folder, where the file is called as it should be."""
        file = Path(STORE) if self.file is None else self.file
        return shlex.quote(str(file.parent if file.name == FILE else file))

    def check_out(self, out: Path) -> None:
        """Refuse early a file that could not be written in the end, or that the data set is read from.

        Raises:
            SettingsError: it is such a file.
        """
        check_place(out)
        own = [name for name, table in self.settings.data.tables.items() if reads(table, self.root, out)]
        if self.file is not None and out.resolve() == self.file.resolve():
            own = ["settings"]
        if own:
            raise SettingsError(f"{out} is where the {own[0]} of the data set are read from.", "Name another file; this one is as it was.")


def read_settings(path: Path) -> Source:
    """Read a data set's settings.

    Args:
        path: a folder with a ``leadheat.toml``, or such a file; ``store:`` for the service's store, with the settings of the file that
            ``LEADHEAT_SETTINGS`` names, or the defaults.

    Raises:
        SettingsError: there is no such file, it is no TOML, or says something it must not. All problems are told at once.
    """
    if str(path) == STORE:
        return _of_store()
    file = path / FILE if path.is_dir() else path
    try:
        content = tomllib.loads(file.read_text(encoding="utf-8-sig"))
    except FileNotFoundError as error:
        hint = f"Name a folder with a {FILE}, or such a file. `leadheat simulate OUT --leads 5000` makes one to try."
        raise SettingsError(f"There is no data set at {path}: {file} does not exist.", hint) from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, OSError) as error:
        raise SettingsError(f"{file} cannot be read: {error}.", _hint_on(file)) from error
    return Source(parse_settings(content, Settings, str(file)), file.parent.resolve(), file)


def _hint_on(file: Path) -> str:
    """What a file that cannot be read should be."""
    if file.suffix != ".toml":
        return f"DATASET is a folder with a {FILE}, or such a file, which names the tables."
    return "It must be a text file in TOML, in UTF-8; a path with \\ in it stands between single quotes: 'C:\\data\\leads.csv'."


def _of_store() -> Source:
    """The store with the settings of another data set, but for what these say of its files: where they lie, and of which time they are."""
    tables = {
        "leads": TableSettings(path=STORE),
        "interactions": InteractionsSettings(path=STORE),
        "outcomes": OutcomesSettings(path=STORE),
    }
    named = os.environ.get("LEADHEAT_SETTINGS")
    if not named or named == STORE:
        return Source(Settings(data=DataSettings(**tables)), Path.cwd())
    source = read_settings(Path(named))
    data = source.settings.data.model_copy(update={**tables, "observed_until": None})
    snapshots = source.settings.snapshots.model_copy(update={"train": None, "test": None})
    return source._replace(settings=source.settings.model_copy(update={"data": data, "snapshots": snapshots}))


_SAID = {
    "missing": "is missing",
    "tuple_type": 'must be a list, such as ["a", "b"]',
    "list_type": 'must be a list, such as ["a", "b"]',
    "dict_type": "must be a table of keys and values",
    "model_type": "must be a table of keys and values",
}
"""What is wrong by pydantic's type of it, where pydantic speaks of Python."""


def parse_settings(content: Mapping[str, Any], part: type[Part], where: str, hint: str = "Correct the file and try again.") -> Part:
    """Validate settings and tell all problems in words; ``where`` they stand, and with which ``hint``.

    Raises:
        SettingsError: a key is unknown (the nearest known one is suggested) or a value is not what it must be.
    """
    try:
        return part.model_validate(content)
    except ValidationError as error:
        problems = [_in_words(one, part) for one in error.errors()]
        raise SettingsError(f"{where}: " + "; ".join(problems) + ".", hint) from error


def _in_words(problem: Mapping[str, Any], part: type[BaseModel]) -> str:
    place = [str(step) for step in problem["loc"] if not str(step).startswith(_BRANCHES)]
    where = ".".join(place)
    if problem["type"] == "extra_forbidden":
        return f"{where} is no key{aside(place[-1], _known_keys(part, place[:-1]), 0.0)}"
    if problem["type"] in _SAID:
        return f"{where} {_SAID[problem['type']]}"
    message = str(problem["msg"]).removeprefix("Value error, ")
    said = f"{message[0].lower()}{message[1:]}"
    if problem["type"] == "literal_error":
        said += aside(str(problem["input"]), choices(problem["ctx"]["expected"]))
    return f"{where}: {said}" if where else said


def _known_keys(part: type[BaseModel], path: Sequence[str]) -> list[str]:
    """The keys of the table at ``path``: fields are followed by name, free names (signals) are skipped."""
    for step in path:
        field = part.model_fields.get(step)
        inner = _models(field.annotation) if field else []
        part = inner[0] if inner else part
    return [field.alias or name for name, field in part.model_fields.items()]


def _models(annotation: Any) -> list[type[BaseModel]]:
    """The settings classes inside of an annotation such as ``dict[str, SignalSettings] | None``."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    return [model for argument in getattr(annotation, "__args__", ()) for model in _models(argument)]
