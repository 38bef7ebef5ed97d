"""Every command as users run it: its help, its JSON, its words, its exit code."""

from __future__ import annotations

import os
import resource
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from tests.command import Done, Place
from tests.conftest import REPO
from tests.shuffled import shuffled
from training.show.learnt import next_steps

COMMANDS = [
    "demo",
    "simulate",
    "check",
    "train",
    "recalibrate",
    "retrain",
    "evaluate",
    "backtest",
    "bands",
    "migration",
    "scorecard",
    "score",
    "models",
    "promote",
    "rollback",
    "import",
    "serve",
    "pull",
    "forget",
    "keys add",
    "keys list",
    "keys revoke",
    "monitor",
]
FIGURES = {"rows", "positives", "auc", "average_precision", "brier", "log_loss", "ece", "lift_at_10", "intervals"}
HEAVY = {"bentoml", "lightgbm", "matplotlib", "mlflow", "numba", "numpy", "pandas", "pyarrow", "pydantic", "rich", "scipy", "sklearn"}
SMALLEST = """
[data]
name = "smallest"
interactions = { path = "interactions.csv" }
leads = { path = "leads.csv" }
outcomes = { path = "outcomes.csv" }
"""


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory, empty_database: Path) -> tuple[Place, Done, Done]:
    """A place with a simulated world and a champion; then the training in words, and a worse one in JSON, which is refused."""
    place = Place(tmp_path_factory.mktemp("place")).with_database(empty_database)
    place.simulate(rounds=60, patience=10)
    worse = place.settle("worse.toml", rounds=1, learning_rate=0.0001, leaves=2)
    return place, place.run("train", "world"), place.run("train", str(worse), "--json")


@pytest.mark.parametrize("command", COMMANDS)
def test_help_has_an_example_and_loads_nothing_heavy(command: str) -> None:
    done, loaded = run_and_look(REPO, [*command.split(), "--help"])
    assert done.returncode == 0
    assert f"Example: leadheat {command}" in done.stdout
    assert not {name.partition(".")[0] for name in loaded} & HEAVY


def test_data_are_made_and_checked_without_what_learns_and_keeps_models(tmp_path: Path) -> None:
    for arguments in (["simulate", "world", "--leads", "1500"], ["check", "world"]):
        done, loaded = run_and_look(tmp_path, arguments)
        assert done.returncode == 0, done.stderr
        assert not loaded & {"bentoml", "lightgbm", "matplotlib", "mlflow", "scipy.stats", "sklearn", "sqlalchemy"}


def test_help_comes_at_once_and_names_every_command(tmp_path: Path) -> None:
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    done = Place(tmp_path).run_cold("--help")
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    assert all(command.split()[0] in done.out for command in COMMANDS)
    assert after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime < 0.3


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["train"], "DATASET"),
        (["train", "nowhere"], "no data set at nowhere"),
        (["nonsense"], "nonsense"),
        (["demo", "--leads", "many"], "many"),
        (["simulate", "world", "--leak", "coffee"], "outcome_type"),
        (["score", ".", "--out", "scores.txt"], "neither Parquet nor CSV"),
        (["score", ".", "--out", "nowhere/scores.csv"], "no folder"),
        (["score", ".", "--out", "."], ". is a folder"),
        (["score", ".", "--out", "leads.csv"], "leads.csv is where the leads of the data set are read from"),
        (["scorecard", ".", "--out", "leadheat.toml"], "where the settings of the data set are read from"),
        (["evaluate", ".", "--report", "outcomes.csv"], "where the outcomes of the data set are read from"),
        (["backtest", ".", "--plot", "leads.csv"], "where the leads of the data set are read from"),
        (["migration", ".", "--out", "leads.csv"], "where the leads of the data set are read from"),
        (["monitor", ".", "--prometheus", "leads.csv"], "where the leads of the data set are read from"),
        (["score", ".", "--out", "/proc/scores.csv"], "No file can be written"),
    ],
)
def test_a_wrong_call_is_told_and_exits_with_2(arguments: list[str], words: str, tmp_path: Path) -> None:
    (tmp_path / "leadheat.toml").write_text(SMALLEST)
    done = Place(tmp_path).run(*arguments, "--json")
    assert done.code == 2
    assert words in done.json["error"]
    assert words in done.err


def test_a_training_tells_figures_bands_and_gates(trained: tuple[Place, Done, Done]) -> None:
    _, first, _ = trained
    assert first.code == 0, first.err
    assert all(word in first.out for word in ("AUC", "rules", "hot", "holds", "Version 1 is promoted"))
    assert max(map(len, first.out.splitlines())) <= 80


def test_a_training_ends_with_where_its_report_lies_and_what_comes_next(trained: tuple[Place, Done, Done]) -> None:
    place, first, second = trained
    report, *steps = first.out.partition("Report:\n")[2].splitlines()
    assert "<html" in (place.folder / report.strip()).read_text()
    commands = [step.removeprefix("Next:").strip().partition("   ")[0] for step in steps]
    assert commands == ["leadheat models", "leadheat score world --out scores.parquet", "leadheat serve"]
    assert Path(second.json["report"]).is_file()


@pytest.mark.parametrize(
    ("promoted", "passed", "steps"),
    [
        (True, True, "leadheat models leadheat score d --out scores.parquet leadheat serve"),
        (False, True, "leadheat models leadheat promote 7"),
        (False, False, "leadheat models"),
    ],
)
def test_what_comes_next_depends_on_what_became_of_the_version(*, promoted: bool, passed: bool, steps: str) -> None:
    result = {"report": "s3://bucket/run/report.html", "version": "7", "promoted": promoted, "gate": [{"passed": passed}]}
    told = next_steps(result, "d").partition("Next:")
    assert told[0] == "Report:\n  s3://bucket/run/report.html\n"
    assert " ".join(line.strip().partition("   ")[0] for line in told[2].splitlines()) == steps


def test_a_worse_training_is_refused_and_the_champion_stays(trained: tuple[Place, Done, Done]) -> None:
    place, _, second = trained
    told = second.json
    assert second.code == 1
    assert {"run_id", "version", "promoted", "gate", "train", "test", "rules", "bands", "policy", "seconds"} <= told.keys()
    assert not told["promoted"]
    assert not all(gate["passed"] for gate in told["gate"])
    assert told["test"].keys() >= FIGURES <= told["rules"].keys()
    assert all({"name", "lower", "share", "rate", "rate_low", "rate_high"} <= band.keys() for band in told["bands"])
    assert told["train"]["rows"] > told["train"]["positives"] > 0
    by_alias = {alias: one for one in place.run("models", "--json").json["versions"] for alias in one["aliases"]}
    assert by_alias["champion"]["version"] == "1"
    assert by_alias["challenger"]["version"] == told["version"] == "2"
    assert "refused" in by_alias["challenger"]["reason"]


def test_a_champion_that_has_seen_all_that_matured_is_not_recalibrated(trained: tuple[Place, Done, Done]) -> None:
    refused = trained[0].run("recalibrate", "world", "--json")
    assert refused.code == 1
    assert "Too little has matured to recalibrate: 0 won leads" in refused.json["error"]


def test_the_list_of_versions_is_readable(trained: tuple[Place, Done, Done]) -> None:
    place, _, _ = trained
    done = place.run("models")
    assert done.code == 0
    assert "champion" in done.out
    assert "refused" in done.out
    assert max(map(len, done.out.splitlines())) <= 80


def test_bands_are_seen_before_they_are_chosen(trained: tuple[Place, Done, Done]) -> None:
    place, _, second = trained
    asked = ("bands", "world", "--policy", "capacity", "--hot-per-day", "20", "--hysteresis", "0.2")
    done = place.run(*asked, "--version", "2", "--json")
    assert done.code == 0, done.err
    stored, capacity = done.json["policies"]
    assert [band["lower"] for band in stored["bands"]] == [band["lower"] for band in second.json["bands"]]
    assert [stored["policy"], capacity["policy"]] == ["lift", "capacity"]
    assert capacity["toml"].splitlines() == ["[temperature]", 'policy = "capacity"', "hot_per_day = 20.0", "hysteresis = 0.2"]
    words = place.run(*asked)
    assert all(word in words.out for word in ("stored: lift", "capacity", "leads a day", "with hysteresis", "hot_per_day = 20.0"))
    assert max(map(len, words.out.splitlines())) <= 80
    refused = place.run("bands", "world", "--policy", "value")
    assert (refused.code, "needs contact_cost and win_value" in refused.err) == (2, True)
    assert "Its options are --contact-cost, --win-value, --nurture-cost." in refused.err


def test_the_migration_to_the_challenger_is_told(trained: tuple[Place, Done, Done]) -> None:
    place, first, second = trained
    done = place.run("migration", "world", "--top", "3", "--out", "moves.csv")
    assert done.code == 0, done.err
    assert all(word in done.out for word in ("version 1 to 2", "The leads that move furthest", "What counts differently"))
    assert max(map(len, done.out.splitlines())) <= 80
    told = place.run("migration", "world", "--json").json
    assert sum(map(sum, told["count"])) == told["leads"] > 0
    moves, signals, compact = told.pop("moves"), told.pop("signals"), second.json["migration"]
    assert 0 < len(moves) <= told["warmer"] + told["cooler"]
    assert compact.pop("signals") == signals[:8]
    assert compact == told
    assert "--from" not in first.out
    assert len((place.folder / "moves.csv").read_text().splitlines()) == 1 + told["warmer"] + told["cooler"]


def test_a_scorecard_is_told_and_written(trained: tuple[Place, Done, Done]) -> None:
    place, _, _ = trained
    done = place.run("scorecard", "world", "--lines", "5", "--out", "rules.toml")
    assert done.code == 0, done.err
    assert all(words in done.out for words in ("Scorecard of version 1", "double the odds", "What points stand for", "minus champion"))
    assert max(map(len, done.out.splitlines())) <= 80
    told = place.run("scorecard", "world", "--lines", "5", "--json").json
    assert (place.folder / "rules.toml").read_text() == told["toml"]
    assert 1 < len(told["lines"]) <= 5
    assert told["test"]["scorecard"].keys() >= FIGURES


def test_check_says_that_a_world_is_fit(trained: tuple[Place, Done, Done]) -> None:
    place, _, _ = trained
    done = place.run("check", "world", "--json")
    assert done.code == 0
    assert done.json["ok"] is True
    assert done.json["leads"] == 1_500 == done.json["rows"]["leads"]
    assert done.json["won"] > 0
    assert "fit for training" in place.run("check", "world/leadheat.toml").out


def test_check_lists_all_that_is_wrong(trained: tuple[Place, Done, Done], tmp_path: Path) -> None:
    broken = shutil.copytree(trained[0].folder / "world", tmp_path / "broken")
    interactions = pq.read_table(broken / "interactions.parquet")
    pq.write_table(interactions.drop_columns(["occurred_at", "type"]), broken / "interactions.parquet")
    (broken / "outcomes.parquet").write_bytes((broken / "outcomes.parquet").read_bytes()[:500])
    done = Place(tmp_path).run("check", "broken", "--json")
    assert done.code == 1
    assert done.json["ok"] is False
    errors = [finding for finding in done.json["findings"] if finding["severity"] == "error"]
    assert {finding["table"] for finding in errors} == {"interactions", "outcomes"}
    assert {"occurred_at", "type"} <= {finding["column"] for finding in errors}
    assert all({"code", "table", "column", "detail", "hint"} <= finding.keys() for finding in errors)
    in_words = Place(tmp_path).run("train", "broken")
    assert in_words.code == 1
    assert "occurred_at" in in_words.err
    assert not in_words.out


def test_check_refuses_what_can_be_read_but_not_learnt_from(tmp_path: Path) -> None:
    place = Place(tmp_path)
    assert place.run("simulate", "world", "--leads", "100", "--json").json["leads"] == 100
    done = place.run("check", "world", "--json")
    assert done.code == 1
    assert [finding["code"] for finding in done.json["findings"] if finding["severity"] == "error"] == ["cannot_train"]
    assert place.run("demo", "--leads", "100", "--json").code == 1


def test_evaluate_repeats_the_figures_of_the_training_whatever_the_order_of_rows(trained: tuple[Place, Done, Done]) -> None:
    place, _, second = trained
    shuffled(place.folder / "world", place.folder / "mixed")
    told = place.run("evaluate", "mixed", "--version", "challenger", "--report", "report.html", "--json").json
    page = (place.folder / "report.html").read_text()
    assert "Refused" in page
    assert "leadheat evaluate mixed --version 2 --report report.html" in page
    assert str(place.folder) not in page
    assert len([*place.folder.glob("leadheat-artifacts/*/artifacts/report.html")]) == 2
    assert told["version"] == "2"
    assert told["test"] == second.json["test"]
    assert told["rules"] == second.json["rules"]
    assert {"against_rules", "against", "reliability", "slices", "stability", "decision"} <= told.keys()
    assert told["against"] is None
    assert told["against_rules"]["auc"]["difference"] == pytest.approx(told["test"]["auc"] - told["rules"]["auc"])
    assert {one["by"] for one in told["slices"]} >= {"month", "age", "history", "industry", "employees"}
    assert told["decision"][-1]["model"]["wins"] == told["decision"][-1]["possible"]


def test_evaluate_tells_a_version_beside_another_and_its_slices_at_80_columns(trained: tuple[Place, Done, Done]) -> None:
    place, _, _ = trained
    unknown = place.run("evaluate", "world", "--against", "99", "--report", "never.html")
    assert (unknown.code, "There is no version '99'" in unknown.err, "judging" in unknown.err) == (1, True, False)
    done = place.run("evaluate", "world", "--against", "challenger", "--by", "month", "--by", "source")
    assert done.code == 0
    lines = done.out.splitlines()
    assert max(map(len, lines)) <= 80
    assert any(line.startswith("Version 1 less version 2") for line in lines)
    assert [len(line.split()) for line in lines if line.startswith("2025-01")] == [9]
    assert sum(line.startswith("AUC") for line in lines) == 2
    for title in ("Reliability", "Wins met", "Stability", "By month", "By source"):
        assert any(line.startswith(title) for line in lines)
    told = place.run("evaluate", "world", "--against", "challenger", "--by", "month", "--json").json
    assert told["against"]["version"] == "2"
    assert told["against"]["differences"]["auc"]["a"] == told["test"]["auc"]
    assert {one["by"] for one in told["slices"]} == {"month"}
    refused = place.run("evaluate", "world", "--by", "indutsry", "--json")
    assert refused.code == 2
    assert "industry" in refused.json["hint"]


def test_backtest_tells_every_fold_and_draws_them(trained: tuple[Place, Done, Done]) -> None:
    place, _, _ = trained
    done = place.run("backtest", "world", "--folds", "2", "--plot", "folds.png", "--json")
    assert done.code == 0, done.err
    assert [fold["refused"] for fold in done.json["folds"]] == [None, None]
    assert done.json["together"]["model"].keys() >= FIGURES
    assert "of 2 folds" in done.json["verdict"]
    assert (place.folder / "folds.png").read_bytes().startswith(b"\x89PNG")
    assert place.run("backtest", "world", "--plot", "nowhere/folds.png").code == 2


def test_score_writes_every_open_lead(trained: tuple[Place, Done, Done]) -> None:
    place, _, _ = trained
    told = place.run("score", "world", "--out", "scores.parquet", "--as-of", "2025-01-01", "--json").json
    assert {"rows", "as_of", "version", "seconds", "hot", "warm", "cold"} <= told.keys()
    assert told["as_of"] == "2025-01-01T00:00:00+00:00"
    assert told["rows"] == told["hot"] + told["warm"] + told["cold"] == pq.read_metadata(place.folder / "scores.parquet").num_rows > 0
    assert told["version"] == "1"
    in_words = place.run("score", "world", "--out", "scores.csv", "--version", "2")
    assert in_words.code == 0
    assert "open leads in scores.csv" in in_words.out
    again = place.run("score", "world", "--out", "again.parquet", "--as-of", "2025-01-01", "--since", "scores.parquet", "--json").json
    assert (again["computed"], again["kept"]) == (0, told["rows"])
    assert (place.folder / "again.parquet").read_bytes() == (place.folder / "scores.parquet").read_bytes()
    assert place.run("score", "world", "--out", "scores.csv", "--since", "nowhere.parquet").code == 2
    assert place.run("score", "world", "--out", "scores.csv", "--as-of", "yesterday", "--json").code == 2
    assert place.run("score", "world", "--out", "scores.csv", "--version", "99", "--json").code == 1


def test_a_version_whose_gates_do_not_hold_is_promoted_only_by_force_and_with_a_reason(trained: tuple[Place, Done, Done]) -> None:
    place, _, second = trained
    refused = place.run("promote", "2", "--reason", "it is newer", "--json")
    assert refused.code == 1
    assert all(gate["passed"] or gate["name"] in refused.json["error"] for gate in second.json["gate"])
    assert "--force" in refused.json["hint"]
    for wrong in (["--force"], ["--force", "--reason", " "]):
        assert place.run("promote", "2", *wrong, "--json").code == 2
    assert place.run("promote", "99", "--json").code == 1
    versions = {alias: one["version"] for one in place.run("models", "--json").json["versions"] for alias in one["aliases"]}
    assert versions == {"champion": "1", "challenger": "2"}


def test_a_rollback_is_exact_to_the_last_bit(trained: tuple[Place, Done, Done]) -> None:
    place, _, _ = trained
    champion = (place.folder / "home" / "champion").resolve()
    files = {file.name: file.read_bytes() for file in champion.iterdir()}
    forced = place.run("promote", "2", "--force", "--reason", "to try it", "--json").json
    assert (forced["version"], forced["reason"], forced["forced"]) == ("2", "to try it", "to try it")
    assert (place.folder / "home" / "champion").resolve().name.startswith("2-")
    assert "Version 1 is the champion again" in place.run("rollback").out
    assert (place.folder / "home" / "champion").resolve() == champion
    assert {file.name: file.read_bytes() for file in champion.iterdir()} == files
    assert "to try it" in place.run("models").out


@pytest.mark.slow
def test_the_demo_in_json_and_in_words(tmp_path: Path) -> None:
    place = Place(tmp_path)
    told = place.run_cold("demo", "--leads", "1000", "--json").json
    promised = {"auc", "auc_rules", "auc_oracle", "brier", "ece", "champion_version", "hot", "warm", "cold", "seconds"}
    assert promised <= told.keys()
    assert told["simulated"] is True
    assert 0.5 < told["auc"] < told["auc_oracle"] + 0.05
    assert not (tmp_path / "home").exists()
    done = place.run("demo", "--leads", "1000", "--keep", "kept")
    assert done.code == 0, done.err
    assert all(words in done.out for words in ("simulated world", "best possible", "hottest", "leadheat serve", "repeated_interaction"))
    assert f"{told['auc']:.3f}" in done.out
    kept = {path.name for path in (tmp_path / "kept").iterdir()}
    assert {"world", "scores.parquet", ".leadheat", "leadheat.db"} <= kept


def test_interrupted_it_says_so_and_leaves_nothing(tmp_path: Path) -> None:
    process = Place(tmp_path).start("simulate", "world", "--leads", "1000000", "--json")
    wait_for(lambda: any(tmp_path.glob(".world-*/new/*.parquet")))
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 130
    assert Done(130, out, err).json["error"] == "Interrupted."
    assert "Traceback" not in err
    assert not list(tmp_path.iterdir())


def test_a_reader_that_goes_away_is_no_error_to_tell(trained: tuple[Place, Done, Done]) -> None:
    read, write = os.pipe()
    os.close(read)
    process = trained[0].start("models", stdout=write)
    os.close(write)
    _, err = process.communicate(timeout=60)
    assert process.returncode == 1
    assert not err


def test_a_full_disk_is_told(trained: tuple[Place, Done, Done]) -> None:
    with Path("/dev/full").open("w") as full:
        process = trained[0].start("models", "--json", stdout=full)
        _, err = process.communicate(timeout=60)
    assert process.returncode == 1
    assert "No space left" in err
    assert "Traceback" not in err


def run_and_look(folder: Path, arguments: list[str]) -> tuple[subprocess.CompletedProcess[str], set[str]]:
    """Run a command in a folder; also what its process had loaded in the end."""
    code = f"import sys, leadheat\ntry:\n    leadheat.main({arguments})\nfinally:\n    print(*sys.modules, file=sys.stderr)"
    environment = Place(folder).environment
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, timeout=60, check=False)
    return done, set(done.stderr.rpartition("\n")[0].rpartition("\n")[2].split())


def wait_for(happens: Callable[[], bool], seconds: float = 60.0) -> None:
    """Ask until it is so."""
    end = time.monotonic() + seconds
    while not happens():
        assert time.monotonic() < end
        time.sleep(0.02)
