from uuid import UUID

from schemas.asset import ObjectRef
from schemas.member import Located, member_id, member_key, path_inside

PARENT = UUID(int=7)
REF = ObjectRef(bucket="b", key="in/mail.eml")


def test_member_id_depends_on_parent_path_and_content():
    same = member_id(PARENT, "a.txt", "00")
    others = {
        member_id(UUID(int=8), "a.txt", "00"),
        member_id(PARENT, "b.txt", "00"),
        member_id(PARENT, "a.txt", "01"),
    }

    assert member_id(PARENT, "a.txt", "00") == same
    assert len(others | {same}) == 4


def test_path_comes_back_from_the_key():
    assert path_inside(member_key(PARENT, "a/b c.txt")) == "a/b c.txt"


def test_member_is_named_like_a_path_through_its_parents():
    assert Located(REF).named == REF
    assert Located(REF, ("x.zip", "a/b.pdf")).named.uri == "s3://b/in/mail.eml/x.zip/a/b.pdf"
