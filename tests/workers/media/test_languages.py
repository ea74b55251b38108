import pytest

from workers.media.languages import language_code


@pytest.mark.parametrize(
    ("tag", "code"),
    [
        ("eng", "en"),
        ("ger", "de"),
        ("deu", "de"),
        ("GER", "de"),
        ("en-US", "en-us"),
        ("haw", "haw"),
        ("und", None),
        ("", None),
        (None, None),
    ],
)
def test_language_code_is_the_shortest(tag, code):
    assert language_code(tag) == code
