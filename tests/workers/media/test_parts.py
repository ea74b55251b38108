import pytest

from schemas.errors import UnreadableMedia
from tests.workers.media import tiny_office as tiny
from tests.workers.media.tiny_pdf import media_file
from workers.media.parts import core_facts, opendocument_facts, opened_parts, relation_id

RELATIONS = (
    '<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">'
    '<Relationship Id="a" Type="http://x/chart" Target="../charts/c.xml"/>'
    '<Relationship Id="b" Type="http://x/chart" Target="/ppt/d.xml"/>'
    '<Relationship Id="c" Type="http://x/hyperlink" Target="http://y" TargetMode="External"/>'
    "</Relationships>"
)


def parts_of(tmp_path, **files):
    return opened_parts(media_file(tmp_path, tiny.archive(files["files"]), tiny.DOCX))


def test_relations_are_those_inside_the_package(tmp_path):
    with parts_of(tmp_path, files={"word/_rels/document.xml.rels": RELATIONS}) as parts:
        found = parts.relations("word/document.xml")

    assert {name: (r.kind, r.path) for name, r in found.items()} == {
        "a": ("chart", "charts/c.xml"),
        "b": ("chart", "ppt/d.xml"),
    }


def test_find_resolves_no_entities(tmp_path):
    bomb = '<!DOCTYPE a [<!ENTITY b "boom">]><a>&b;</a>'
    with parts_of(tmp_path, files={"a.xml": bomb}) as parts:
        root = parts.find("a.xml")

    assert "".join(root.itertext()) == "&b;" or root.text is None


def test_find_of_a_part_that_is_not_there_is_none(tmp_path):
    with parts_of(tmp_path, files={"a.xml": "<a/>"}) as parts:
        assert parts.find("b.xml") is None
        assert parts.find(None) is None


def test_opened_parts_refuses_what_is_broken(tmp_path):
    with (
        pytest.raises(UnreadableMedia, match="not a readable document"),
        parts_of(tmp_path, files={"a.xml": "<a"}) as parts,
    ):
        parts.find("a.xml")
    with (
        pytest.raises(UnreadableMedia),
        opened_parts(media_file(tmp_path, b"PK\3\4 no zip", tiny.DOCX)),
    ):
        pass


def test_core_facts_are_what_the_properties_state(tmp_path):
    relations = RELATIONS.replace("x/chart", "x/core-properties").replace("../charts/", "docProps/")
    core = (
        '<p xmlns:dc="http://purl.org/dc/elements/1.1/" xmlns:t="http://purl.org/dc/terms/">'
        "<dc:title> A  title </dc:title><dc:creator>Ada</dc:creator><dc:subject/>"
        "<t:created>2026-05-07T08:00:00Z</t:created></p>"
    )
    with parts_of(tmp_path, files={"_rels/.rels": relations, "docProps/c.xml": core}) as parts:
        assert core_facts(parts) == {
            "title": "A title",
            "author": "Ada",
            "created": "2026-05-07T08:00:00Z",
        }


def test_broken_properties_are_no_properties(tmp_path):
    with parts_of(tmp_path, files={"meta.xml": "<a"}) as parts:
        assert opendocument_facts(parts) == {}
        assert core_facts(parts) == {}


def test_opendocument_facts_name_the_editor_where_no_author_is_known(tmp_path):
    meta = '<m xmlns:dc="http://purl.org/dc/elements/1.1/"><dc:creator>Bob</dc:creator>%s</m>'
    with parts_of(tmp_path, files={"meta.xml": meta % ""}) as parts:
        assert opendocument_facts(parts) == {"author": "Bob"}
    first = "<initial-creator>Ada</initial-creator>"
    with parts_of(tmp_path, files={"meta.xml": meta % first}) as parts:
        assert opendocument_facts(parts) == {"author": "Ada"}


def test_relation_id_reads_both_editions_of_the_standard():
    from lxml import etree

    for namespace in (
        "http://schemas.openxmlformats.org/officeDocument/2006/relationships",
        "http://purl.oclc.org/ooxml/officeDocument/relationships",
    ):
        assert relation_id(etree.fromstring(f'<a xmlns:r="{namespace}" r:id="x"/>')) == "x"
    assert relation_id(etree.fromstring("<a id='x'/>")) == ""


def test_opened_streams_a_part(tmp_path):
    with parts_of(tmp_path, files={"a.xml": "<a/>"}) as parts, parts.opened("a.xml") as stream:
        assert stream.read() == b"<a/>"


def test_a_broken_part_that_nobody_needs_is_a_failure_of_its_own(tmp_path):
    with parts_of(tmp_path, files={"meta.xml": "<a"}) as parts:
        assert parts.find_beside("meta.xml") is None

    [failure] = parts.failures
    assert "meta.xml" in failure.message
