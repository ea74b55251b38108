from contextlib import closing

from tests.workers.media import tiny_outlook as tiny
from workers.media.compound import Compound
from workers.media.outlook_message import OutlookMessage


def attachments(tmp_path, *made, **values):
    path = tmp_path / "mail.msg"
    path.write_bytes(tiny.message(*made, Subject="Papers", **values))
    with closing(Compound(path, path.name)) as file:
        found = list(OutlookMessage(file).attachments())
        return [(one.name, one.size_bytes, one.data(), one.message is None) for one in found]


def test_attachments_have_a_name_and_bytes(tmp_path):
    short = {**tiny.attached("", b"22"), "__substg1.0_3704001E": b"A~1.TXT\0"}
    nameless = {tiny.FIXED: bytes(8), "__substg1.0_37010102": b"333"}

    found = attachments(tmp_path, tiny.attached("C:\\a.txt", b"1"), short, nameless)

    assert [(name, data) for name, _, data, _ in found] == [
        ("a.txt", b"1"),
        ("A~1.TXT", b"22"),
        ("attachment 3", b"333"),
    ]
    assert found[2][1] == 11


def test_a_message_is_none_of_the_outer_ones_files(tmp_path):
    inner = tiny.folder(tiny.attached("a.txt", b"1"), Subject="inner", Body="text")

    [(name, _, data, is_file)] = attachments(tmp_path, tiny.attached_message("in/ner", inner))

    assert (name, data, is_file) == ("in-ner.eml", None, False)
