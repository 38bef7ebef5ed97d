"""API keys: the file, the commands, and how a running service takes up what changes."""

from __future__ import annotations

import stat
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from features.contract import SettingsError
from serving import keys
from serving.keys import KeyRing
from tests.command import Place


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("LEADHEAT_HOME", str(tmp_path / "home"))
    monkeypatch.setattr(keys, "EVERY", 0.0)
    return tmp_path / "home"


def name_of(ring: KeyRing, secret: str) -> str | None:
    found = ring.find(secret)
    return None if found is None else found.name


def test_a_key_is_kept_hashed_and_for_nobody_else_to_read(home: Path) -> None:
    secret = keys.add("crm", ["score", "read"])
    file = home / "keys.json"
    assert secret.startswith("lh_")
    assert len(secret) >= 43
    assert secret not in file.read_text()
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    (held,) = keys.held()
    assert (held.name, held.scopes, held.expires_at) == ("crm", ("read", "score"), None)


def test_keys_are_rotated_while_workers_run() -> None:
    ring = KeyRing()
    assert not ring.in_use
    old = keys.add("crm-1", ["read"])
    assert name_of(ring, old) == "crm-1"
    new = keys.add("crm-2", ["read"])
    assert (name_of(ring, old), name_of(ring, new)) == ("crm-1", "crm-2")
    keys.revoke("crm-1")
    assert (name_of(ring, old), name_of(ring, new)) == (None, "crm-2")
    assert name_of(ring, new[:-1]) is None
    assert name_of(ring, "") is None
    assert name_of(ring, "ü\ud800") is None


def test_a_service_that_had_keys_never_opens(home: Path, caplog: pytest.LogCaptureFixture) -> None:
    secret = keys.add("crm", ["read"])
    ring = KeyRing()
    whole = (home / "keys.json").read_text()
    (home / "keys.json").write_text(whole[:50])
    assert name_of(ring, secret) == "crm"
    assert "the keys stay as they were" in caplog.text
    (home / "keys.json").unlink()
    assert name_of(ring, secret) is None
    assert ring.in_use


def test_a_key_expires() -> None:
    secret = keys.add("guest", ["read"], timedelta(days=90))
    (held,) = keys.held()
    assert held.expires_at is not None
    assert not held.expired(datetime.now(UTC) + timedelta(days=89))
    assert held.expired(held.expires_at)
    assert name_of(KeyRing(), secret) == "guest"
    past = keys.add("past", ["read"], timedelta(0))
    assert name_of(KeyRing(), past) is None


@pytest.mark.parametrize("name", ["", "two words", "../up", "x" * 65, "-x"])
def test_names_are_plain(name: str) -> None:
    with pytest.raises(SettingsError, match="is no name for a key"):
        keys.add(name, ["read"])


def test_what_cannot_be_done_is_refused_in_words(home: Path) -> None:
    keys.add("crm", ["read"])
    with pytest.raises(SettingsError, match="There is a key crm already"):
        keys.add("crm", ["read"])
    with pytest.raises(SettingsError, match="There is no key erp"):
        keys.revoke("erp")
    with pytest.raises(SettingsError, match="after the year 9999"):
        keys.add("erp", ["read"], timedelta(days=4_000_000))
    (home / "keys.json").write_text('{"keys": [{"name": "crm"}]}')
    with pytest.raises(SettingsError, match=r"keys.json cannot be read"):
        keys.held()


def test_the_commands(tmp_path: Path) -> None:
    place = Place(tmp_path)
    added = place.run("keys", "add", "crm", "--scope", "score", "--scope", "read", "--expires", "90d", "--json").json
    assert added["key"].startswith("lh_")
    (listed,) = place.run("keys", "list", "--json").json["keys"]
    assert (listed["name"], listed["scopes"], listed["expired"]) == ("crm", ["read", "score"], False)
    assert added["key"] not in str(listed)
    assert "crm: read, score" in place.run("keys", "list").out
    assert place.run("keys", "revoke", "crm", "--json").json == {"revoked": "crm"}
    assert place.run("keys", "revoke", "crm").code == 2
    assert place.run("keys", "add", "crm", "--scope", "read", "--expires", "soon").code == 2


def test_other_machines_are_served_with_keys_only(tmp_path: Path) -> None:
    done = Place(tmp_path).run("serve", "--host", "0.0.0.0")  # noqa: S104 - it is refused
    assert done.code == 2
    assert "other machines could reach the service" in done.err
    assert "leadheat keys add" in done.err
