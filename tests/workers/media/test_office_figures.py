import zipfile
from io import BytesIO

import pytest
from PIL import Image

from tests.workers.media import tiny_office as tiny
from tests.workers.media.tiny_pdf import media_file
from workers.media.figures import with_figures
from workers.media.office import read_office

_R = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_A = "http://schemas.openxmlformats.org/drawingml/2006/main"


def png(seed=0, size=(120, 90)):
    out = BytesIO()
    Image.radial_gradient("L").resize(size).rotate(seed * 7).save(out, "PNG")
    return out.getvalue()


def blip(relation):
    return f'<a:blip xmlns:a="{_A}" xmlns:r="{_R}" r:embed="{relation}"/>'


def relations(**targets):
    package = "http://schemas.openxmlformats.org/package/2006/relationships"
    links = "".join(
        f'<Relationship Id="{name}" Type="{_R}/{kind}" Target="{target}"/>'
        for name, (kind, target) in targets.items()
    )
    return f'<Relationships xmlns="{package}">{links}</Relationships>'


def added(data, **files):
    """A package with more parts, or others in place of its own."""
    with zipfile.ZipFile(BytesIO(data)) as known:
        parts = {name: known.read(name) for name in known.namelist()}
    return tiny.archive({**parts, **files})


def find(tmp_path, data, mime_type):
    media = media_file(tmp_path, data, mime_type)
    prepared = with_figures(media, read_office(media))
    pages = [image.page for artifact in prepared.artifacts for image in artifact.images]
    return pages, prepared


def word(*media, **files):
    shown = "".join(f"<w:p><w:r>{blip(f'r{n}')}</w:r></w:p>" for n in range(len(media)))
    links = {f"r{n}": ("image", f"media/{n}.png") for n in range(len(media))}
    stored = {f"word/media/{n}.png": data for n, data in enumerate(media)}
    return added(
        tiny.docx("<w:p><w:r><w:t>words</w:t></w:r></w:p>" + shown),
        **{"word/_rels/document.xml.rels": relations(**links), **stored, **files},
    )


def test_pictures_of_a_text_are_figures(tmp_path):
    pages, prepared = find(tmp_path, word(png(1), png(2)), tiny.DOCX)

    assert pages == [1, 1]
    assert prepared.facts.extra["n_figures"] == 2


def test_pictures_that_nothing_shows_are_left_alone(tmp_path):
    data = word(png(1), **{"word/media/unused.png": png(2)})

    assert find(tmp_path, data, tiny.DOCX)[0] == [1]


def test_picture_that_is_broken_costs_only_itself(tmp_path):
    pages, prepared = find(tmp_path, word(png(1)[:200], png(2)), tiny.DOCX)

    assert pages == [1]
    assert [failure.category for failure in prepared.failures] == ["UnreadableMedia"]
    assert prepared.texts


@pytest.mark.parametrize("data", [b"\x01\0\0\0EMF", b"<svg/>", b"text"])
def test_kinds_that_are_not_read_are_passed_over(tmp_path, data):
    pages, prepared = find(tmp_path, word(data, png(2)), tiny.DOCX)

    assert (pages, list(prepared.failures)) == ([1], [])


def test_pictures_of_slides_have_their_slide(tmp_path):
    import pptx

    deck = pptx.Presentation()
    for n in range(3):
        slide = deck.slides.add_slide(deck.slide_layouts[6])
        if n:
            slide.shapes.add_picture(BytesIO(png(n)), 0, 0)
    out = BytesIO()
    deck.save(out)

    assert find(tmp_path, out.getvalue(), tiny.PPTX)[0] == [2, 3]


def test_pictures_of_sheets_have_their_sheet(tmp_path):
    import openpyxl
    from openpyxl.drawing.image import Image as Drawn

    book = openpyxl.Workbook()
    sheet = book.create_sheet("two")
    sheet["A1"] = "words"
    sheet.add_image(Drawn(BytesIO(png(1))))
    out = BytesIO()
    book.save(out)

    assert find(tmp_path, out.getvalue(), tiny.XLSX)[0] == [2]


def test_pictures_of_opendocument_slides_have_their_slide(tmp_path):
    words = "<draw:frame><draw:text-box><text:p>words</text:p></draw:text-box></draw:frame>"
    image = '<draw:frame><draw:image xlink:href="Pictures/1.png"/></draw:frame>'
    slides = f"<draw:page>{words}</draw:page><draw:page>{image}</draw:page>"
    data = added(tiny.opendocument("presentation", slides), **{"Pictures/1.png": png()})

    assert find(tmp_path, data, tiny.ODP)[0] == [2]
