import base64

from tests.workers.media import tiny_office as tiny
from tests.workers.media.test_office_figures import added, find, png

PAGE = "<html><body><p>words</p>{}</body></html>"


def data_uri(data, kind="png"):
    return f"data:image/{kind};base64,{base64.b64encode(data).decode()}"


def test_pictures_of_chapters_have_their_chapter(tmp_path):
    chapters = [PAGE.format(""), PAGE.format('<img src="../im%20ages/a.png"/>')]
    data = added(tiny.epub(*chapters), **{"O/im ages/a.png": png(), "O/unused.png": png(3)})

    assert find(tmp_path, data, tiny.EPUB)[0] == [2]


def test_pictures_that_a_page_carries_are_figures(tmp_path):
    page = PAGE.format(f'<img src="{data_uri(png(1))}"><img src="http://x/y.png">')
    styled = page.replace("<p>", f"<p style=\"background: url('{data_uri(png(2), 'gif')}')\">")

    assert find(tmp_path, styled.encode(), "text/html")[0] == [1, 1]


def test_picture_that_is_cut_off_is_a_failure(tmp_path):
    page = PAGE.format(f'<img src="{data_uri(png(1)[:150])}">')

    pages, prepared = find(tmp_path, page.encode(), "text/html")

    assert pages == []
    assert [failure.category for failure in prepared.failures] == ["UnreadableMedia"]


def test_vector_graphics_are_passed_over(tmp_path):
    page = PAGE.format(f'<img src="{data_uri(b"<svg/>", "svg+xml")}">')

    pages, prepared = find(tmp_path, page.encode(), "text/html")

    assert (pages, list(prepared.failures)) == ([], [])
