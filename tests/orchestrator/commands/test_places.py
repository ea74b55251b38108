import pytest
from rich.text import Text

from orchestrator.commands.places import clock, name, plain, spot, title, visible


def shown_as(markup: str) -> str:
    return Text.from_markup(f"[dim]{markup}[/]").plain


@pytest.mark.parametrize(
    ("seconds", "written"),
    [
        (0.0, "0:00.0"),
        (0.04, "0:00.0"),
        (12.46, "0:12.5"),
        (59.96, "1:00.0"),
        (61.0, "1:01.0"),
        (3599.96, "1:00:00.0"),
        (7384.2, "2:03:04.2"),
    ],
)
def test_clock_rounds_to_tenths(seconds, written):
    assert clock(seconds) == written


@pytest.mark.parametrize(
    ("place", "written"),
    [
        ((3, None, None), "page 3"),
        ((None, 12.0, 17.5), "0:12.0 - 0:17.5"),
        ((None, None, None), ""),
        ((None, 1.0, None), ""),
    ],
)
def test_spot_is_a_page_or_a_time(place, written):
    assert spot(*place) == written


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("[bold]no markup[/]", "[bold]no markup[/]"),
        ("[/]", "[/]"),
        ("ends with \\", "ends with \\"),
        ("\x1b[31mred\x1b]0;title\x07", r"\x1b[31mred\x1b]0;title\x07"),
        ("\x9b31m\r", r"\x9b31m\x0d"),
        ("two\nlines\tand a tab", "two\nlines\tand a tab"),
        ("caf\u00e9 \U0001f389 \u5341", "caf\u00e9 \U0001f389 \u5341"),
    ],
)
def test_text_of_others_is_shown_as_it_is(text, shown):
    assert shown_as(plain(text)) == shown


def test_line_ends_stay_visible_text():
    assert visible("a\x00b\n") == "a\\x00b\n"


@pytest.mark.parametrize(
    ("uri", "called"),
    [
        ("file:///home/me/a%20b.jpg", "/home/me/a b.jpg"),
        ("file:///home/me/%5Bred%5D%0A.jpg", r"/home/me/[red]\n.jpg"),
        ("s3://media/a%20b.jpg", "s3://media/a%20b.jpg"),
    ],
)
def test_title_is_a_path_or_a_uri(uri, called):
    assert shown_as(title(uri)) == called


@pytest.mark.parametrize(
    ("uri", "called"),
    [
        ("file:///home/me/a%2Fb%20c.jpg", "b c.jpg"),
        ("s3://media/2026/a%20b.jpg", "a%20b.jpg"),
        ("file:///home/me/latin%F4%8F%9F%A9.jpg", r"latin\xe9.jpg"),
        ("file:///home/me/%1B%5B2J.jpg", r"\x1b[2J.jpg"),
    ],
)
def test_name_is_the_last_part(uri, called):
    assert shown_as(name(uri)) == called
