import pytest

from tests.orchestrator.test_cli import sluice

__all__ = ["sluice"]


def test_models_without_a_command_shows_the_help(sluice):
    status, out, err = sluice("models")

    assert status == 2
    assert "Usage: sluice models" in out + err


@pytest.mark.parametrize("command", ["pull", "list", "verify"])
def test_every_command_has_help_and_examples(sluice, command):
    status, out, _ = sluice("models", command, "--help")

    assert status == 0
    assert f"sluice models {command}" in out.partition("Examples:")[2]
    assert all(len(line) <= 80 for line in out.splitlines())


@pytest.mark.parametrize(
    ("args", "entry", "given"),
    [
        (["pull"], "run_pull", ((None,), {"update": False, "as_json": False})),
        (
            ["pull", "--profile", "small", "--update", "--json"],
            "run_pull",
            (("small",), {"update": True, "as_json": True}),
        ),
        (["list", "--json"], "run_list", ((None,), {"as_json": True})),
        (["verify", "--profile", "x.toml"], "run_verify", (("x.toml",), {"as_json": False})),
    ],
)
def test_options_reach_the_command_and_its_status_the_shell(
    sluice, monkeypatch, args, entry, given
):
    seen = []
    monkeypatch.setattr(
        f"orchestrator.commands.models.{entry}", lambda *a, **how: seen.append((a, how)) or 7
    )

    assert sluice("models", *args)[0] == 7
    assert seen == [given]


def test_unknown_profile_is_one_line_and_exit_2(sluice):
    status, out, err = sluice("models", "pull", "--profile", "huge")

    (line,) = err.splitlines()
    assert (status, out) == (2, "")
    assert "no such profile; known: demo" in line
