"""A mail with an archive in it, by the real command line: found inside, killed, deleted."""

import zipfile
from collections.abc import Callable
from email.message import EmailMessage
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest

from tests.acceptance.conftest import SAMPLES, Store
from tests.acceptance.test_kill import kill_after, points_and_rows

#: Everything that is inside the mail, and what becomes of it.
CHILDREN = {
    "scan.zip": "partial",
    "scan.zip/pictures/sign.png": "ready",
    "scan.zip/notes.txt": "ready",
    "scan.zip/broken.pdf": "failed",
    "guide.pdf": "ready",
}


@pytest.fixture(scope="module")
def mail(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A mail with a PDF and a ZIP of a picture, a text and rubbish."""
    packed = BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.write(SAMPLES / "sign.png", "pictures/sign.png")
        archive.writestr("notes.txt", "The copper kettle whistles at dawn.")
        archive.writestr("broken.pdf", b"%PDF-1.4 rubbish")
        archive.writestr("../climbed.txt", "x")
    message = EmailMessage()
    message["From"], message["To"], message["Subject"] = "a@b.org", "c@d.org", "Papers"
    message.set_content("The papers that you wanted.")
    guide = (SAMPLES / "guide.pdf").read_bytes()
    message.add_attachment(guide, maintype="application", subtype="pdf", filename="guide.pdf")
    message.add_attachment(
        packed.getvalue(), maintype="application", subtype="zip", filename="scan.zip"
    )
    path = tmp_path_factory.mktemp("mail") / "papers.eml"
    path.write_bytes(message.as_bytes())
    return path


def children(store: Store, mail: Path) -> dict[str, str]:
    shown = store.json("show", str(mail))
    return {"/".join(child["inside"]): child["state"] for child in shown["children"]}


def n_files(folder: Path) -> int:
    return sum(path.is_file() for path in folder.rglob("*"))


def test_what_is_inside_a_mail_is_found_and_goes_with_it(
    make_store: Callable[[], Store], mail: Path
) -> None:
    store = make_store()
    report = store.json("ingest", str(mail))
    assert report["assets"][0]["children"] == {"ready": 3, "partial": 1, "failed": 1}

    hits: Any = store.json("search", "the copper kettle whistles")["hits"]
    lanterns: Any = store.json("search", "orange lanterns at the harbour")["hits"]

    assert children(store, mail) == CHILDREN
    assert (hits[0]["uri"], hits[0]["inside"]) == (mail.as_uri(), ["scan.zip", "notes.txt"])
    assert (lanterns[0]["inside"], lanterns[0]["page"]) == (["guide.pdf"], 3)
    points, rows = points_and_rows(store)
    assert points == rows

    store.run("delete", str(mail))

    assert points_and_rows(store) == (set(), set())
    assert n_files(store.home / "artifacts") == 0
    assert store.json("status")["assets"] == {}


def test_killed_again_and_again_it_ends_the_same(
    make_store: Callable[[], Store], mail: Path
) -> None:
    store = make_store()

    for n_jobs in (1, 5):
        kill_after(store, n_jobs, [str(mail)])
    store.json("ingest", str(mail))

    assert children(store, mail) == CHILDREN
    points, rows = points_and_rows(store)
    assert points == rows
