import pytest

from infra.settings_file import misspelt, read_settings_file
from schemas.errors import ConfigurationError


def test_file_that_is_not_there_is_empty(tmp_path):
    assert read_settings_file(tmp_path / "sluice.toml") == {}


def test_table_is_short_for_a_common_start_of_names(tmp_path):
    path = tmp_path / "sluice.toml"
    path.write_text('Tenant = "t"\n[sandbox]\nCPU_s = 5\n')

    assert read_settings_file(path) == {"tenant": "t", "sandbox_cpu_s": 5}


@pytest.mark.parametrize(
    ("content", "said"),
    [(b"tenant = ", "not valid TOML"), (b'tenant = "\xfc"', "not UTF-8"), (None, "directory")],
)
def test_file_that_cannot_be_read_is_named(tmp_path, content, said):
    path = tmp_path / "sluice.toml"
    path.mkdir() if content is None else path.write_bytes(content)

    with pytest.raises(ConfigurationError, match=rf"sluice\.toml: .*{said}"):
        read_settings_file(path)


def test_misspelt_names_are_sorted_and_known_ones_left_out():
    assert misspelt(["modles", "lease_s", "aaa"], ["models", "lease_s"]) == [
        "aaa is no setting; docs/settings.md lists them all",
        "modles is no setting; did you mean models?",
    ]


def test_misspelt_names_are_told_as_the_user_spells_them():
    assert misspelt(["modles"], ["models"], str.upper) == [
        "MODLES is no setting; did you mean MODELS?"
    ]
