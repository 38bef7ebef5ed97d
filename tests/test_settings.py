"""leadheat.toml: what it may say, and how it is told what is wrong with it."""

from __future__ import annotations

from pathlib import Path

import pytest

from features.contract import DAY, HOUR, SettingsError
from features.data_settings import DataSettings, TableSettings
from models.settings import ScoringSettings, Settings, Source, parse_settings, read_settings
from tests.conftest import DATASETS

LEAST = '[data]\nleads = { path = "leads.csv" }\n'


def write(folder: Path, text: str) -> Path:
    file = folder / "leadheat.toml"
    file.write_text(text, encoding="utf-8")
    return file


def refusal(folder: Path, text: str) -> str:
    """What is said about a file."""
    file = write(folder, text)
    with pytest.raises(SettingsError, match=r"leadheat\.toml") as refused:
        read_settings(file)
    assert refused.value.exit_code == 2
    return refused.value.message.removeprefix(f"{file}: ")


def hint(file: Path) -> str:
    """What is advised about a file."""
    with pytest.raises(SettingsError, match="cannot be read") as refused:
        read_settings(file)
    return refused.value.hint


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('[temperature]\npolicy = "capasity"\n', '(did you mean "capacity"?)'),
        ("[snapshot]\n", 'snapshot is no key (did you mean "snapshots"?).'),
        ("[signal.demo]\ntypes = []\n", 'signal is no key (did you mean "signals"?).'),
        ('[snapshots]\nhorizont = "30d"\n', 'snapshots.horizont is no key (did you mean "horizon"?).'),
        ("[model]\nleafs = 7\n", 'model.leafs is no key (did you mean "leaves"?).'),
        ('[snapshots]\ntest = { form = "2026-01-01" }\n', 'snapshots.test.form is no key (did you mean "from"?)'),
        ('[signals.demo]\ntypes = ["demo"]\nstrenght = "strong"\n', 'signals.demo.strenght is no key (did you mean "strength"?).'),
        ('[signals.types]\ntypes = ["demo"]\nword = "asked"\n', 'signals.types.word is no key (did you mean "words"?).'),
        (
            '[data.interactions]\npath = "i.csv"\ntype = { konst = "contact" }\n',
            'data.interactions.type.konst is no key (did you mean "const"?)',
        ),
        ("[consent.contact]\nattribut = 'agreed'\n", 'consent.contact.attribut is no key (did you mean "attribute"?)'),
        ("[rules]\nfit.size = [{ belov = 50, points = 1 }]\n", 'is no key (did you mean "below"?)'),
    ],
)
def test_an_unknown_key_is_told_with_the_nearest_known_one(tmp_path: Path, text: str, words: str) -> None:
    assert words in refusal(tmp_path, LEAST + text)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('[snapshots]\nhorizon = "2 months"\n', "snapshots.horizon: '2 months' is no duration; write a number and a unit"),
        ('[snapshots]\nhorizon = "0d"\n', "snapshots.horizon: a duration must be longer than nothing"),
        ('[snapshots]\ntrain = ["2026-01-01"]\n', "snapshots.train"),
        ('[snapshots]\ntest = { from = "soon" }\n', "snapshots.test.from: 'soon' is no moment. Write a date (2026-01-31)"),
        ('[snapshots]\ntest = { from = "2026-01-01T08:00:00" }\n', "bears no time zone"),
        ('[snapshots]\ntrain = ["2026-02-01", "2026-01-01"]\n', "snapshots: train ends before it begins"),
        ('[snapshots]\ntest = { from = "2026-02-01", to = "2026-01-01" }\n', "snapshots.test: it ends before it begins"),
        (
            '[snapshots]\ntrain = ["2026-02-01", "2026-03-01"]\ntest = { from = "2026-01-01" }\n',
            "snapshots: test begins before train does",
        ),
        ("[model]\nseed = -1\n", "model.seed: input should be greater than or equal to 0"),
        ("[model]\nlearning_rate = nan\n", "model.learning_rate: input should be a finite number"),
        ('[model]\nkind = "neural"\n', "model.kind: input should be 'auto', 'boosting' or 'logistic'"),
        ("[temperature]\nwarm = 5\nhot = 4\n", "temperature: warm (5) must be below hot (4)"),
        ('[signals.demo]\nwords = "asked"\n', "signals.demo.types is missing"),
        ("[reasons]\nshow = 0\n", "reasons.show: input should be greater than or equal to 1"),
        ('[features]\nwindows = "7d"\n', 'features.windows must be a list, such as ["a", "b"]'),
        ("signals = 3\n", "signals must be a table of keys and values"),
    ],
)
def test_a_wrong_value_is_told_with_its_place(tmp_path: Path, text: str, words: str) -> None:
    top, tables = (text, "") if not text.startswith("[") else ("", text)
    assert words in refusal(tmp_path, top + LEAST + tables)


def test_a_file_without_data_says_what_it_needs(tmp_path: Path) -> None:
    assert refusal(tmp_path, "") == "data is missing."
    assert refusal(tmp_path, "[data]\n") == "data.leads is missing."


def test_all_that_is_wrong_is_told_at_once(tmp_path: Path) -> None:
    text = LEAST + '[snapshots]\nevry = "1d"\nhorizon = "soon"\n[model]\nseed = -1\n[gates]\n'
    problems = refusal(tmp_path, text).split("; ")
    told = " ".join(problems)
    assert [part for part in ("snapshots.evry", "snapshots.horizon", "model.seed", "gates is no key") if part not in told] == []


def test_what_is_no_toml_is_told_with_its_line(tmp_path: Path) -> None:
    assert "(at line 3, column 9)" in refusal(tmp_path, LEAST + "[snapsho\n")
    file = tmp_path / "leadheat.toml"
    file.write_bytes(b"\xff\xfe")
    with pytest.raises(SettingsError, match="It must be a text file in TOML"):
        read_settings(file)
    assert "between single quotes" in hint(write(tmp_path, '[data]\nleads = { path = "C:\\Users\\leads.csv" }\n'))
    table = tmp_path / "leads.csv"
    table.write_text("lead_id,created_at\n")
    assert hint(table) == "DATASET is a folder with a leadheat.toml, or such a file, which names the tables."


TABLES = """
[data]
leads = { path = "../crm/leads.csv" }
interactions = { path = "events/*.parquet" }
outcomes = { path = "postgresql://reader@crm.example/sales", table = "deals" }
"""


def test_nothing_is_written_where_the_data_set_is_read_from(tmp_path: Path) -> None:
    for name in ("set/events", "crm"):
        (tmp_path / name).mkdir(parents=True)
    source = read_settings(write(tmp_path / "set", TABLES))
    (tmp_path / "alias.csv").symlink_to(tmp_path / "crm" / "leads.csv")
    for name in ("crm/leads.csv", "alias.csv", "set/events/new.parquet", "set/leadheat.toml"):
        with pytest.raises(SettingsError, match=f"{name} is where the (leads|interactions|settings) of the data set are read from"):
            source.check_out(tmp_path / name)
    for name in ("set/leads.csv", "set/events/new.csv", "set/scores.parquet", "crm/leads.parquet"):
        source.check_out(tmp_path / name)
    whole = source.settings.model_copy(update={"data": DataSettings(leads=TableSettings(path="events"))})
    with pytest.raises(SettingsError, match="is where the leads of the data set are read from"):
        Source(whole, source.root).check_out(tmp_path / "set" / "events" / "new.csv")


def test_a_mark_of_utf_8_before_the_text_is_passed_by(tmp_path: Path) -> None:
    file = tmp_path / "leadheat.toml"
    file.write_text(LEAST, encoding="utf-8-sig")
    assert read_settings(file).settings.data.leads.path == "leads.csv"


def test_a_missing_data_set_is_told_with_what_to_name(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"There is no data set at .*nowhere.*Name a folder with a leadheat\.toml"):
        read_settings(tmp_path / "nowhere")
    with pytest.raises(SettingsError, match=r"leadheat\.toml does not exist"):
        read_settings(tmp_path)


def test_a_folder_and_its_file_are_the_same_data_set(tmp_path: Path) -> None:
    file = write(tmp_path, LEAST)
    assert read_settings(tmp_path) == read_settings(file)
    assert read_settings(file).root == tmp_path.resolve()
    renamed = file.rename(tmp_path / "mine.toml")
    assert read_settings(renamed).settings.data.leads.path == "leads.csv"


def test_a_signal_may_have_any_name_and_a_duration_any_unit(tmp_path: Path) -> None:
    text = '[snapshots]\nhorizon = "36h"\nevery = "1w"\n[signals.model]\ntypes = ["m*"]\n'
    settings = read_settings(write(tmp_path, LEAST + text)).settings
    assert (settings.snapshots.horizon, settings.snapshots.every) == (36 * HOUR, 7 * DAY)
    assert settings.signals["model"].types == ("m*",)


@pytest.mark.parametrize("file", sorted(DATASETS.glob("*.toml")), ids=lambda file: file.stem)
def test_settings_survive_the_journey_through_json(file: Path) -> None:
    settings = read_settings(file).settings
    for part, kind in ((settings, Settings), (settings.scoring, ScoringSettings)):
        plain = part.model_dump(mode="json", by_alias=True, exclude_none=True)
        assert parse_settings(plain, kind, "model") == part
