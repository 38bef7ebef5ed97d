"""What the audit finds in raw exports that people made, and that it lets configured ones through."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from tests.audited import audit_of, follow, the_finding
from tests.conftest import DATASETS, shared_data

pytestmark = pytest.mark.slow

OUTCOMES = {"A_ACTIVATED", "A_APPROVED", "A_REGISTERED", "O_ACCEPTED", "A_DECLINED", "A_CANCELLED"}


def test_the_outcome_types_of_bpic2012_are_found(tmp_path: Path) -> None:
    data = shared_data("bpic2012")
    (tmp_path / "leadheat.toml").write_text(f"""
[data]
interactions = {{ path = "{data}/events.parquet", columns = {{ occurred_at = "ts" }}, type = ["type", "lifecycle"], order = "seq" }}
leads = {{ path = "{data}/leads.parquet" }}
outcomes = {{ path = "{data}/outcomes.parquet", won = ["won"], lost = ["declined", "cancelled"] }}

[snapshots]
horizon = "14d"
every = "3d"
""")
    found = [one for one in audit_of(tmp_path) if one.code == "type_at_closing"]
    # O_DECLINED is no one's list of traps, but it is the outcome as well: the bank's offer is declined when the application is.
    assert {one.column.partition("/")[0] for one in found} == OUTCOMES | {"O_DECLINED"}
    assert len({one.hint for one in found}) == 1
    assert all(f'"{kind}/*"' in found[0].hint for kind in OUTCOMES)
    follow(tmp_path, found[0].hint)
    assert not [one for one in audit_of(tmp_path) if one.code == "type_at_closing" or one.severity == "error"]


def test_the_columns_of_olists_deals_and_its_missing_year_are_found(tmp_path: Path) -> None:
    data = shared_data("olist")
    deals = pd.read_csv(data / "olist_closed_deals_dataset.csv")
    leads = pd.read_csv(data / "olist_marketing_qualified_leads_dataset.csv")
    leads.merge(deals.drop(columns="won_date"), on="mql_id", how="left").to_csv(tmp_path / "leads.csv", index=False)
    (tmp_path / "leadheat.toml").write_text(f"""
[data]
timezone = "America/Sao_Paulo"
leads = {{ path = "leads.csv", columns = {{ lead_id = "mql_id", created_at = "first_contact_date" }} }}
outcomes = {{ path = "{data}/olist_closed_deals_dataset.csv", columns = {{ lead_id = "mql_id", closed_at = "won_date" }}, won = true }}

[snapshots]
horizon = "30d"
at_creation = true
""")
    found = audit_of(tmp_path)
    assert {one.column for one in found if one.code == "winner_attribute"} == set(deals.columns) - {"mql_id", "won_date"}
    missing = the_finding(found, "missing_outcomes", "closed_at")
    assert missing.severity == "error"
    assert 'train = ["2017-12-06"' in missing.hint
    for hint in {one.hint for one in found if one.severity == "error"}:
        follow(tmp_path, hint)
    assert not [one for one in audit_of(tmp_path) if one.severity == "error"]


def test_the_duration_of_uci_bank_is_found(tmp_path: Path) -> None:
    data = shared_data("uci_bank")
    (tmp_path / "leadheat.toml").write_text(f"""
[data]
leads = {{ path = "{data}/leads.csv" }}
outcomes = {{ path = "{data}/outcomes.csv", won = ["won"], lost = ["lost"] }}

[snapshots]
horizon = "1d"
at_creation = true
""")
    errors = [one for one in audit_of(tmp_path) if one.severity == "error"]
    assert [(one.code, one.column) for one in errors] == [("later_attribute", "duration")]
    follow(tmp_path, errors[0].hint)
    assert not [one for one in audit_of(tmp_path) if one.severity == "error"]


@pytest.mark.parametrize("name", ["bpic2012", "olist", "uci_bank"])
def test_the_configured_sets_have_no_error(name: str) -> None:
    shared_data(name)
    assert not [one for one in audit_of(DATASETS / f"{name}.toml") if one.severity == "error"]
