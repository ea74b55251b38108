import io

import pytest
from rich.console import Console

from infra.home_lock import HomeLock
from orchestrator.commands import session
from orchestrator.commands.session import (
    get_assets,
    open_deps,
    open_reader,
    open_settings,
    print_indented,
    print_json,
    require_store,
)
from schemas.errors import ConfigurationError
from schemas.reports import Check
from tests.factories import plant_asset


def test_settings_are_the_environments(home):
    settings = open_settings()

    assert (settings.home, settings.tenant) == (home, "default")


def test_tenant_of_the_command_wins(home, monkeypatch):
    monkeypatch.setenv("SLUICE_TENANT", "theirs")

    assert open_settings().tenant == "theirs"
    assert open_settings("mine").tenant == "mine"


def test_variable_that_is_no_setting_is_worth_a_line(home, monkeypatch, capsys):
    monkeypatch.setenv("SLUICE_MODLES", "small")

    open_settings()

    shown = capsys.readouterr()
    assert shown.err == "sluice: SLUICE_MODLES is no setting; did you mean SLUICE_MODELS?\n"
    assert shown.out == ""


def test_empty_tenant_is_refused(home):
    with pytest.raises(ConfigurationError, match=r"SLUICE_TENANT: .*at least 1 character"):
        open_settings("")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("SLUICE_LEASE_S", "abc"),
        ("SLUICE_MAX_ATTEMPTS", "0"),
        ("SLUICE_LOG_FORMAT", "xml"),
        ("SLUICE_LOG_LEVEL", "loud"),
        ("SLUICE_SANDBOX_CPU_S", "much"),
    ],
)
def test_wrong_setting_is_named_with_what_was_found(home, monkeypatch, name, value):
    monkeypatch.setenv(name, value)

    with pytest.raises(ConfigurationError, match=rf"{name}.*{value}"):
        open_settings()


def test_reader_needs_a_store(home):
    with pytest.raises(ConfigurationError, match=r"home: no store there yet; `sluice ingest`"):
        open_reader().__enter__()

    assert not home.exists()


def test_reader_reads_while_another_process_has_the_store(store, home):
    with HomeLock(home, "up"), open_reader("t") as (settings, database):
        assert settings.tenant == "t"
        assert database.ping().startswith("sqlite")


def test_store_on_a_server_is_not_looked_for_here(home, monkeypatch):
    monkeypatch.setenv("SLUICE_DATABASE_URL", "postgresql://localhost/media")

    require_store(open_settings())


def test_deps_are_closed_with_the_command(store, home, stub_deps):
    with open_deps("ingest", "t") as deps:
        assert deps.settings.tenant == "t"

    HomeLock(home, "test").close()


def test_deps_that_must_exist_are_not_made(home, stub_deps):
    with pytest.raises(ConfigurationError, match="no store there yet"):
        open_deps("retry", must_exist=True).__enter__()

    assert not home.exists()


def test_assets_are_found_by_what_users_call_them(store):
    with store.session_scope() as rows:
        first = plant_asset(rows, tenant="t", key="2026/a.jpg")
        second = plant_asset(rows, tenant="t", key="2026/b.jpg")

    assert get_assets(store, "t", ["a.jpg", "s3://b/2026/b.jpg"]) == [first, second]
    assert get_assets(store, "t", [str(first)[:8], "a.jpg"]) == [first]


def test_asset_that_is_none_is_named(store):
    with pytest.raises(ConfigurationError, match=r"^x\.jpg: no such asset; `sluice ingest`"):
        get_assets(store, "t", ["x.jpg"])


def test_json_is_one_document_on_stdout(capsys):
    print_json(Check(name="disk", status="ok", found="caf\u00e9 \x1b[1m"))

    shown = capsys.readouterr()
    assert Check.model_validate_json(shown.out).found == "caf\u00e9 \x1b[1m"
    assert "\x1b" not in shown.out
    assert shown.err == ""


def test_paragraph_is_one_line_in_a_file(capsys):
    print_indented("word " * 60, 5)

    (line,) = capsys.readouterr().out.splitlines()
    assert line.startswith("     word word")


def test_paragraph_is_wrapped_and_indented_on_a_terminal(monkeypatch):
    screen = Console(file=io.StringIO(), width=40, force_terminal=True, color_system=None)
    monkeypatch.setattr(session, "out", screen)

    print_indented("word " * 20, 5)

    lines = screen.file.getvalue().splitlines()
    assert len(lines) == 3
    assert all(line.startswith("     word") and len(line) <= 40 for line in lines)
