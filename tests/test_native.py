"""The kernel as machine code: the same bits however it is compiled and linked, kept where it can be, and no array taken for another."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numba
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings

from features.catalogue import FeatureSettings
from features.compute import _plan, compute, encode
from features.contract import DAY
from features.intake import history_of
from features.native import calling, entry, objects
from features.plan import Events
from features.records import InteractionRecord, LeadRecord
from features.schema import Schema
from features.vocabulary import fit_features
from tests.conftest import REPO, missing
from tests.native_probe import probe
from tests.random_histories import World, worlds

EXAMPLES = settings(max_examples=15, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture])


@pytest.fixture(scope="module")
def kept() -> Path:
    """The object file that this process, and all tests, use."""
    objects.address("leadheat_fill")
    return next(place / f"kernel-{objects.key()}.o" for place in objects.places() if (place / f"kernel-{objects.key()}.o").exists())


@pytest.fixture(scope="module")
def for_this_processor() -> Callable[..., object]:
    """What Numba compiles of the same source at run time, for this very processor."""
    jit: Any = numba.njit  # of whose options types know not all
    compiled = jit([entry.RETURNS(*entry.ARGUMENTS)], nogil=True, error_model="numpy", _nrt=False)(entry.fill)

    def call(told: Any, _: None, plan: object, *numbers: Any) -> None:
        *sizes, lent, memory = numbers
        told._obj.value = compiled(id(plan), *sizes, id(lent), id(memory))

    return call


@pytest.mark.slow
@EXAMPLES
@given(world=worlds())
def test_code_for_any_processor_gives_the_bits_of_code_for_this_one(
    world: World, for_this_processor: Callable[..., object], monkeypatch: pytest.MonkeyPatch
) -> None:
    ahead = compute(world.features, world.history, world.lead, world.as_of)
    with monkeypatch.context() as patch:
        patch.setattr(calling, "code", lambda: for_this_processor)
        assert compute(world.features, world.history, world.lead, world.as_of).tobytes() == ahead.tobytes()


@EXAMPLES
@given(world=worlds())
def test_whatever_memory_it_is_given_first_the_numbers_are_the_same(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    usual = compute(world.features, world.history, world.lead, world.as_of)
    with monkeypatch.context() as patch:
        patch.setattr(calling, "_ROOM", 0)
        assert compute(world.features, world.history, world.lead, world.as_of).tobytes() == usual.tobytes()


@pytest.fixture
def lent() -> dict[str, Any]:
    """The plan, and what the kernel takes for two snapshots of two leads, by the names of ``GIVEN``."""
    schema = Schema(("amount", "minutes"), ("channel", "page"), ("age", "size"), ("industry", "source"))
    leads = [LeadRecord(name, 0, {"size": 1.0}, [InteractionRecord("visit", day * DAY) for day in range(9)]) for name in ("one", "two")]
    history = history_of(leads, schema)
    features = fit_features(history, FeatureSettings(min_count=1), {})
    asked = {"lead": np.arange(2), "as_of": np.array([DAY, 9 * DAY]), "order": np.arange(2)}
    out = np.full((2, len(features.names)), -1.0, np.float32)
    return {"plan": _plan(features), **encode(features, history)._asdict(), **asked, "out": out}


def write(lent: dict[str, Any]) -> None:
    """Call the kernel."""
    events = Events(**{name: lent[name] for name in Events._fields})
    calling.fill(lent["plan"], events, lent["lead"], lent["as_of"], lent["order"], lent["out"])


def odd(array: np.ndarray) -> np.ndarray:
    """The same numbers a byte further than they should lie."""
    there = np.empty(array.nbytes + 1, np.uint8)[1:].view(array.dtype).reshape(array.shape)
    there[...] = array
    return there


NAMES = [one.name for one in calling.GIVEN]
SPOILED: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "another dtype": lambda array: array.astype(np.complex64),
    "another number of dimensions": lambda array: array[None],
    "gaps": lambda array: np.repeat(array, 2, axis=-1)[..., ::2],
    "an odd address": odd,
    "another order of bytes": lambda array: array.astype(array.dtype.newbyteorder()),
}
OF_MORE_THAN_A_BYTE = ("an odd address", "another order of bytes")
WAYS = [(name, how) for name in NAMES for how in SPOILED if name != "direction" or how not in OF_MORE_THAN_A_BYTE]


@pytest.mark.parametrize(("name", "how"), WAYS)
def test_an_array_that_is_not_as_told_is_refused_and_nothing_is_written(lent: dict[str, Any], name: str, how: str) -> None:
    spoiled, before = SPOILED[how](lent[name]), lent["out"].copy()
    with pytest.raises(TypeError, match=rf"^{name} is {spoiled.dtype} in {spoiled.ndim} dimensions, and must be "):
        write(lent | {name: spoiled})
    np.testing.assert_array_equal(lent["out"], before)


def test_arrays_that_cannot_be_written_to_are_read(lent: dict[str, Any]) -> None:
    write(lent)
    expected = lent["out"].copy()
    for name in NAMES[:-1]:
        lent[name].flags.writeable = False
    lent["out"][:] = -1.0
    write(lent)
    np.testing.assert_array_equal(lent["out"], expected)


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """The features as another checkout has them, in which nothing is compiled."""
    shutil.copytree(REPO / "features", tmp_path / "copy" / "features", ignore=shutil.ignore_patterns("__pycache__"))
    return tmp_path / "copy"


def run(copy: Path, cache: Path, path: str | None = None) -> dict[str, Any]:
    """What ``native_probe`` says there, with this cache of the user's, and only what is in ``path`` to be called."""
    environment = os.environ | {"PYTHONPATH": str(copy), "PYTHONDONTWRITEBYTECODE": "1", "XDG_CACHE_HOME": str(cache)}
    environment |= {} if path is None else {"PATH": path}
    command = [sys.executable, str(REPO / "tests" / "native_probe.py")]
    done = subprocess.run(command, env=environment, cwd=cache, capture_output=True, text=True, timeout=150, check=False)
    assert done.returncode == 0, done.stderr
    told: dict[str, Any] = json.loads(done.stdout)
    return told


@pytest.mark.slow
def test_it_is_compiled_where_nothing_is_kept_yet_and_can_be_kept_nowhere(copy: Path, tmp_path: Path) -> None:
    (copy / "features" / "__pycache__").touch()
    (tmp_path / "leadheat").touch()
    assert run(copy, tmp_path)["digest"] == probe()["digest"]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["copy", "leadheat"]


def test_who_comes_while_another_compiles_takes_what_that_one_made(copy: Path, tmp_path: Path, kept: Path) -> None:
    place = copy / "features" / "__pycache__"
    place.mkdir()
    with ThreadPoolExecutor(1) as pool:
        with objects._alone(place):
            waiting = pool.submit(run, copy, tmp_path)
            until(lambda: waits_for_a_lock(place))
            shutil.copy(kept, place)
            made = (place / kept.name).stat()
        assert waiting.result()["digest"] == probe()["digest"]
    assert os.path.samestat((place / kept.name).stat(), made)


def waits_for_a_lock(folder: Path) -> bool:
    """Whether a process waits for what another holds (man 5 proc: /proc/locks)."""
    return any(
        "->" in line and line.split()[6].endswith(f":{folder.stat().st_ino}") for line in Path("/proc/locks").read_text().splitlines()
    )


def until(reached: Callable[[], bool]) -> None:
    """Wait a minute at most."""
    end = time.monotonic() + 60
    while not reached():
        assert time.monotonic() < end
        time.sleep(0.02)


def test_without_a_linker_llvm_links_and_the_bits_are_the_same(copy: Path, tmp_path: Path, kept: Path) -> None:
    (copy / "features" / "__pycache__").mkdir()
    shutil.copy(kept, copy / "features" / "__pycache__")
    told = run(copy, tmp_path, path="")
    assert told == probe() | {"loaded": ["llvmlite"]}
    assert [path.name for path in (copy / "features" / "__pycache__").iterdir()] == [kept.name]


def test_processes_that_link_at_once_leave_one_library_in_the_users_cache_and_load_no_compiler(
    copy: Path, tmp_path: Path, kept: Path
) -> None:
    if shutil.which("cc") is None:
        missing("a C compiler", "apt-get install gcc")
    (copy / "features" / "__pycache__").touch()
    (tmp_path / "leadheat").mkdir()
    shutil.copy(kept, tmp_path / "leadheat")
    with ThreadPoolExecutor(3) as pool:
        told = list(pool.map(lambda _: run(copy, tmp_path), range(3)))
    assert told == [probe() | {"loaded": []}] * 3
    assert {path.name for path in (tmp_path / "leadheat").iterdir()} == {kept.name, kept.with_suffix(".so").name}


def test_another_library_or_another_source_is_compiled_anew(copy: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    usual = objects.key()
    monkeypatch.setattr(objects, "version", lambda name: "0" if name == "numba" else version(name))
    assert objects.key() != usual
    assert key_in(copy) == usual
    kernel = copy / "features" / "kernel.py"
    kernel.write_text(kernel.read_text().replace("RENEWED = 512", "RENEWED = 256"))
    assert key_in(copy) != usual


def key_in(folder: Path) -> str:
    command = [sys.executable, "-c", "from features.native import objects; print(objects.key())"]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=60, check=True).stdout.strip()


def test_the_key_rests_on_every_source_that_is_compiled() -> None:
    code = "import sys, features.native.compiling as c; print(*(m.__file__ for n, m in sys.modules.items() if n.startswith('features.')))"
    done = subprocess.run([sys.executable, "-c", code], cwd=REPO, capture_output=True, text=True, timeout=60, check=True)
    sources = {str(Path(file).relative_to(REPO / "features")) for file in done.stdout.split()}
    assert sources - {"native/__init__.py", "native/objects.py"} == set(objects._SOURCES)
