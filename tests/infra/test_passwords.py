import pytest

from infra.passwords import read_passwords
from schemas.errors import ConfigurationError


def test_passwords_are_lines_with_their_white_space(tmp_path):
    path = tmp_path / "passwords"
    path.write_bytes("\ufeffone\r\n\n two \none\nk\u00e4se\x85\n".encode())

    assert read_passwords(str(path)) == ("one", " two ", "k\u00e4se\x85")


def test_no_file_is_no_password():
    assert read_passwords("") == ()


def test_file_that_cannot_be_read_is_named(tmp_path):
    with pytest.raises(ConfigurationError, match="nowhere: No such file"):
        read_passwords(str(tmp_path / "nowhere"))


@pytest.mark.parametrize(
    ("content", "message"),
    [(b"\xffhush", "not UTF-8"), (b"\n".join(b"%d" % i for i in range(1002)), "1002 passwords")],
)
def test_file_that_is_refused_is_not_quoted(tmp_path, content, message):
    path = tmp_path / "passwords"
    path.write_bytes(content)

    with pytest.raises(ConfigurationError, match=message) as caught:
        read_passwords(str(path))

    assert "hush" not in str(caught.value)
    assert caught.value.__cause__ is None
