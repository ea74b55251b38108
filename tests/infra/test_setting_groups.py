from pathlib import Path

import pytest
from pydantic import Field
from pydantic_settings import SettingsConfigDict

from infra.setting_groups import SettingsGroup, file_prefix, read_group
from schemas.errors import ConfigurationError

pytestmark = pytest.mark.usefixtures("clean_environment")


@pytest.fixture
def group():
    """A group of this test; others must not find it among the subclasses."""

    class Odd(SettingsGroup):
        model_config = SettingsConfigDict(env_prefix="SLUICE_ODD_", extra="ignore")
        n_hats: int = Field(default=1, ge=0)
        color: str = "red"

    return Odd


def test_prefix_in_the_file_is_that_of_the_variables(group):
    assert file_prefix(group) == "odd_"


def test_environment_wins_over_the_file_and_the_file_over_the_default(group, monkeypatch):
    Path("sluice.toml").write_text("odd_n_hats = 2\nodd_color = 'blue'\n")
    monkeypatch.setenv("SLUICE_ODD_N_HATS", "3")

    settings = read_group(group)

    assert (settings.n_hats, settings.color) == (3, "blue")
    assert read_group(group, n_hats=4).n_hats == 4


def test_wrong_values_are_named_with_what_was_found(group, monkeypatch):
    monkeypatch.setenv("SLUICE_ODD_N_HATS", "-1")

    with pytest.raises(ConfigurationError, match=r"SLUICE_ODD_N_HATS: .* \(found '-1'\)"):
        read_group(group)
