"""Parsing, help, exit statuses and messages, as a user at a prompt meets them."""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest
import typer

from infra.home_lock import HomeLock
from orchestrator import cli
from schemas.errors import UnreadableMedia

ROOT = Path(__file__).parents[2]
COMMANDS = sorted(
    command.name or command.callback.__name__ for command in cli.app.registered_commands
)


@pytest.fixture
def sluice(monkeypatch, capsys, tmp_path, profile, clean_environment, keep_logging):
    """Runs the command in this process; gives its exit status and what it wrote."""
    monkeypatch.setenv("SLUICE_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("SLUICE_MODELS", str(profile))
    monkeypatch.setenv("COLUMNS", "80")

    def run(*args: str) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["sluice", *args])
        with pytest.raises(SystemExit) as ended:
            cli.main()
        shown = capsys.readouterr()
        return int(ended.value.code or 0), shown.out, shown.err

    return run


# -- help ------------------------------------------------------------------------------------


def test_help_lists_every_command(sluice):
    status, out, err = sluice("--help")

    assert (status, err) == (0, "")
    assert [name for name in COMMANDS if f"\u2502 {name} " not in out] == []
    assert "Exit status" in out


def test_no_command_shows_the_help(sluice):
    status, out, err = sluice()

    assert status == 2
    assert "Usage: sluice" in out + err


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_help_of_its_own(sluice, command):
    status, out, _ = sluice(command, "--help")

    lines = [line.strip() for line in out.splitlines() if line.strip()]
    assert status == 0
    assert lines[0].startswith(f"Usage: sluice {command}")
    assert lines[1].endswith(".")
    assert all(len(line) <= 80 for line in out.splitlines())


def every_command(group, *above):
    """Words and parser of each command, those of groups too."""
    for name, command in group.commands.items():
        if hasattr(command, "commands"):
            yield from every_command(command, *above, name)
        else:
            yield (*above, name), command


PARSERS = dict(every_command(typer.main.get_command(cli.app)))


def test_no_command_is_hidden_from_the_walk():
    names = {" ".join(words) for words in PARSERS}

    assert {"demo", "search", "up", "worker", "orchestrator", "migrate", "models pull"} <= names


@pytest.mark.parametrize("words", sorted(PARSERS), ids=" ".join)
def test_every_command_speaks_json_and_says_how_it_ends(words):
    command = PARSERS[words]
    options = {name for parameter in command.params for name in parameter.opts}
    # What holds for all commands is told once, above them.
    told = f"{command.help} {typer.main.get_command(cli.app).help}"

    assert "--json" in options
    assert re.search(r"Exit status:? .*0 (fine|stopped|moved)", told, re.DOTALL)


@pytest.mark.parametrize("command", ["up", "worker", "orchestrator", "migrate"])
def test_command_that_ends_in_its_own_way_says_how(command):
    statuses = re.findall(r"\b([0-9]+) [a-z]", PARSERS[(command,)].help.partition("Exit status")[2])

    assert {"0", "1", "2"} <= {*statuses}


@pytest.mark.parametrize("words", sorted(PARSERS), ids=" ".join)
def test_every_command_shows_an_example(words):
    assert f"sluice {' '.join(words)}" in PARSERS[words].help.partition("Examples:")[2]


def test_help_is_quick_and_loads_nothing_heavy():
    script = """
import json, resource, sys
from orchestrator.cli import main
sys.argv = ["sluice", "--help"]
try:
    main()
except SystemExit:
    pass
usage = resource.getrusage(resource.RUSAGE_SELF)
heavy = {"torch", "transformers", "cv2", "PIL", "numpy", "sqlalchemy", "celery", "fastapi", "httpx"}
found = {"cpu_s": usage.ru_utime + usage.ru_stime, "loaded": sorted(heavy & set(sys.modules))}
print(json.dumps(found), file=sys.stderr)
"""
    shown = [
        subprocess.run(
            [sys.executable, "-c", script], cwd=ROOT, check=True, capture_output=True, text=True
        )
        for _ in range(2)  # the first may have to compile
    ]

    found = [json.loads(run.stderr.splitlines()[-1]) for run in shown]
    assert found[0]["loaded"] == []
    assert min(run["cpu_s"] for run in found) < 0.5


# -- wrong usage -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (["frobnicate"], "No such command"),
        (["status", "--frobnicate"], "No such option"),
        (["ingest"], "Missing argument"),
        (["delete"], "Missing argument"),
        (["show"], "Missing argument"),
        (["search", "x", "--limit", "0"], "--limit"),
        (["search", "x", "--limit", "many"], "--limit"),
        (["search", "x", "--kind", "smell"], "'smell' is not one of"),
        (["search", "x", "--weight-image", "2"], "--weight-image"),
        (["up", "--port", "99999"], "--port"),
        (["ingest", "-dash.webp"], "No such option"),
    ],
)
def test_wrong_usage_exits_with_2(sluice, args, message):
    status, out, err = sluice(*args)

    assert (status, out) == (2, "")
    assert message in err


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (["search"], "nothing to look for: give TEXT, --image or --audio"),
        (["search", "x", "--filter", "a"], "--filter a: expected KEY=VALUE"),
        (["search", "--image", "no.jpg"], "no.jpg: No such file or directory"),
        (["status"], "no store there yet; `sluice ingest` makes one"),
        (["failures"], "no store there yet; `sluice ingest` makes one"),
        (["show", "x"], "no store there yet; `sluice ingest` makes one"),
        (["retry"], "no store there yet; `sluice ingest` makes one"),
        (["delete", "x"], "no store there yet; `sluice ingest` makes one"),
        (["search", "x"], "no store there yet; `sluice ingest` makes one"),
        (["ingest", "no.jpg"], "no.jpg: no such file or folder"),
        (["ingest", ".", "--priority", "urgent"], "--priority urgent: expected one of"),
        (["status", "--tenant", ""], "SLUICE_TENANT: String should have at least 1 character"),
    ],
)
def test_configuration_error_is_one_line_and_exit_2(sluice, args, message):
    status, out, err = sluice(*args)

    (line,) = err.splitlines()
    assert (status, out) == (2, "")
    assert line.startswith("sluice: ")
    assert message in line


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("SLUICE_LEASE_S", "abc"),
        ("SLUICE_DEVICE", "tpu"),
        ("SLUICE_MODELS", "nonsense"),
        ("SLUICE_LOG_LEVEL", "loud"),
        ("SLUICE_DATABASE_URL", "nonsense"),
    ],
)
def test_wrong_setting_is_one_line_and_exit_2(sluice, monkeypatch, name, value):
    monkeypatch.setenv(name, value)

    status, out, err = sluice("ingest", ".")

    (line,) = err.splitlines()
    assert (status, out) == (2, "")
    assert line.startswith(f"sluice: {name}")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a = [", "not valid TOML"),
        ('lease_s = "abc"', "SLUICE_LEASE_S"),
        ("leases = 3", "did you mean lease_s?"),
    ],
)
def test_wrong_settings_file_is_one_line_and_exit_2(sluice, tmp_path, text, message):
    (tmp_path / "sluice.toml").write_text(text)

    status, _, err = sluice("status")

    (line,) = err.splitlines()
    assert status == 2
    assert message in line


def test_store_in_use_is_one_line_and_exit_2(sluice, tmp_path):
    with HomeLock(tmp_path / "home", "up"):
        status, _, err = sluice("ingest", ".")

    (line,) = err.splitlines()
    assert status == 2
    assert "in use by `sluice up` (process" in line


@pytest.mark.parametrize("args", [("status",), ("ingest", "."), ("search", "x")])
def test_damaged_database_is_one_line_and_exit_2(sluice, tmp_path, args):
    (tmp_path / "home").mkdir()
    (tmp_path / "home" / "sluice.db").write_bytes(b"no database" * 100)

    status, out, err = sluice(*args)

    (line,) = err.splitlines()
    assert (status, out) == (2, "")
    assert line.startswith("sluice: the database is damaged (file is not a database): restore")


def test_message_stays_on_its_line_whatever_is_in_it(sluice):
    status, _, err = sluice("ingest", "a\nb\x1b[2J")

    assert status == 2
    assert err == r"sluice: a b\x1b[2J: no such file or folder" + "\n"


# -- errors that fly out of a command --------------------------------------------------------


@pytest.mark.parametrize(
    ("error", "status", "said"),
    [
        (UnreadableMedia("query image: 0 bytes"), 2, "sluice: query image: 0 bytes\n"),
        (KeyboardInterrupt(), 130, ""),
    ],
)
def test_end_of_a_command_is_its_exit_status(sluice, monkeypatch, error, status, said):
    def run(**_how):
        raise error

    monkeypatch.setattr("orchestrator.commands.inspect.run_status", run)

    assert sluice("status") == (status, "", said)


def test_defect_of_ours_flies_with_its_traceback(sluice, monkeypatch):
    def run(**_how):
        raise KeyError("botched")

    monkeypatch.setattr("orchestrator.commands.inspect.run_status", run)
    monkeypatch.setattr(sys, "argv", ["sluice", "status"])

    with pytest.raises(KeyError):
        cli.main()


# -- what reaches the commands ---------------------------------------------------------------


@pytest.mark.parametrize(
    ("args", "entry", "expected"),
    [
        (
            ["ingest", "a", "s3://b", "--no-wait", "--priority", "bulk", "--tenant", "t", "--json"],
            "ingest.run_ingest",
            {"wait": False, "priority": "bulk", "tenant": "t", "as_json": True, "passwords": None},
        ),
        (
            ["ingest", "a", "--password-file", "f"],
            "ingest.run_ingest",
            {
                "wait": True,
                "priority": "normal",
                "tenant": None,
                "as_json": False,
                "passwords": "f",
            },
        ),
        (
            ["show", "a", "--all"],
            "inspect.run_show",
            {"everything": True, "tenant": None, "as_json": False},
        ),
        (["status", "--json"], "inspect.run_status", {"tenant": None, "as_json": True}),
        (["failures"], "inspect.run_failures", {"tenant": None, "as_json": False}),
        (["retry", "a"], "change.run_retry", {"tenant": None, "as_json": False}),
        (["retry"], "change.run_retry", {"tenant": None, "as_json": False}),
        (["delete", "a"], "change.run_delete", {"tenant": None, "as_json": False}),
        (
            ["doctor", "--json", "--worker"],
            "doctor.run_doctor",
            {"as_json": True, "worker_only": True, "servers_only": False},
        ),
        (["demo"], "demo.run_demo", {"as_json": False}),
        (
            ["up", "--host", "::1", "--port", "0"],
            "up.run_up",
            {"host": "::1", "port": 0, "as_json": False},
        ),
        (["up", "--json"], "up.run_up", {"host": None, "port": None, "as_json": True}),
        (
            ["orchestrator", "--json"],
            "orchestrate.run_orchestrator",
            {"migrate_only": False, "as_json": True},
        ),
        (
            ["worker", "--json", "--queues", "ocr, caption"],
            "worker.run_worker",
            {"queues": ["ocr", "caption"], "device": None, "warm": False, "as_json": True},
        ),
        (["migrate", "--dry-run"], "migrate.run_migrate", {"dry_run": True, "as_json": False}),
    ],
)
def test_options_reach_the_command_and_its_status_the_shell(
    sluice, monkeypatch, args, entry, expected
):
    given = []
    monkeypatch.setattr(
        f"orchestrator.commands.{entry}", lambda *_names, **how: given.append(how) or 7
    )

    assert sluice(*args)[0] == 7
    assert given == [expected]


def test_search_options_are_taken_as_typed(sluice, monkeypatch):
    given = []
    monkeypatch.setattr(
        "orchestrator.commands.search.run_search",
        lambda options, **how: given.append((options, how)) or 0,
    )

    sluice(
        *("search", "a red circle", "--image", "q.jpg", "--weight-image", "0.7"),
        *("--kind", "image", "--kind", "video", "--filter", "page=3", "--filter", "stage=ocr"),
        *("--limit", "3"),
    )

    ((options, how),) = given
    assert (options.text, options.image, options.audio) == ("a red circle", Path("q.jpg"), None)
    assert (options.weight_image, options.limit) == (0.7, 3)
    assert options.kinds == ("image", "video")
    assert options.filters == ("page=3", "stage=ocr")
    assert how == {"tenant": None, "as_json": False}
