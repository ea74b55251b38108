"""What lies on a sheet: charts, text boxes, descriptions of pictures, comments."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, NamedTuple

from workers.media.blocks import Block
from workers.media.charts import alt_text, chart_blocks, diagram_texts, drawing_text
from workers.media.parts import Parts, Relation, relation_id

if TYPE_CHECKING:
    from lxml.etree import _Element

#: Old programs show this instead of a thread of comments.
_THREAD_NOTICE = "[Threaded comment]"


class Drawing(NamedTuple):
    """Something on a sheet and the row that it begins in, from 0."""

    row: int
    column: int
    blocks: tuple[Block, ...]


def drawings(parts: Parts, path: str, page: int) -> list[Drawing]:
    """Drawings of a sheet (or a chart sheet) from top to bottom."""
    found: list[Drawing] = []
    for relation in parts.relations(path).values():
        if relation.kind == "drawing" and (root := parts.find_beside(relation.path)) is not None:
            relations = parts.relations(relation.path)
            for anchor in root:
                blocks = tuple(_blocks(parts, relations, anchor, page))
                row, column = (_index(anchor, axis) for axis in ("row", "col"))
                found.append(Drawing(row, column, blocks))
    return sorted(found, key=lambda drawing: (drawing.row, drawing.column))


def _index(anchor: "_Element", axis: str) -> int:
    text = anchor.findtext(f"{{*}}from/{{*}}{axis}") or ""
    return int(text) if text.isdigit() else 0


def _blocks(
    parts: Parts, relations: dict[str, Relation], anchor: "_Element", page: int
) -> Iterator[Block]:
    for body in anchor.iter("{*}txBody"):
        yield Block(drawing_text(body), "paragraph", page)
    for chart in anchor.iter("{*}chart"):
        if (root := _related(parts, relations, relation_id(chart))) is not None:
            yield from chart_blocks(root, page)
    for diagram in anchor.iter("{*}relIds"):
        if (root := _related(parts, relations, relation_id(diagram, "dm"))) is not None:
            yield from (Block(text, "paragraph", page) for text in diagram_texts(root))
    for named in anchor.iter("{*}cNvPr"):
        yield Block(alt_text(named), "alt_text", page)


def _related(parts: Parts, relations: dict[str, Relation], name: str) -> "_Element | None":
    relation = relations.get(name)
    return parts.find_beside(relation.path) if relation else None


def comments(parts: Parts, workbook_path: str, path: str, page: int) -> Iterator[Block]:
    """Comments of a sheet with their authors: notes, then threads."""
    for relation in sorted(parts.relations(path).values()):
        root = parts.find_beside(relation.path) if relation.kind in _COMMENTS else None
        if root is None:
            continue
        read = _COMMENTS[relation.kind]
        for author, text in read(parts, workbook_path, root):
            yield Block(f"{author}: {text}" if author else text, "comment", page)


def _notes(parts: Parts, workbook_path: str, root: "_Element") -> Iterator[tuple[str, str]]:
    del parts, workbook_path
    authors = [author.text or "" for author in root.iterfind("{*}authors/{*}author")]
    for comment in root.iterfind("{*}commentList/{*}comment"):
        text = "".join(run.text or "" for run in comment.iterfind(".//{*}t")).strip()
        index = comment.get("authorId", "")
        author = authors[int(index)] if index.isdigit() and int(index) < len(authors) else ""
        if text and not text.startswith(_THREAD_NOTICE):
            # Programs put the author's name before the text, too.
            yield author, text.removeprefix(f"{author}:").strip()


def _threads(parts: Parts, workbook_path: str, root: "_Element") -> Iterator[tuple[str, str]]:
    people = {
        person.get("id"): person.get("displayName", "")
        for relation in parts.relations(workbook_path).values()
        if relation.kind == "person" and (persons := parts.find_beside(relation.path)) is not None
        for person in persons
    }
    for comment in root.iterfind("{*}threadedComment"):
        if text := (comment.findtext("{*}text") or "").strip():
            yield people.get(comment.get("personId"), ""), text


#: By kind of relation.
_COMMENTS = {"comments": _notes, "threadedComment": _threads}
