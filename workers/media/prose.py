"""Plain text and Markdown as blocks."""

import re
from collections.abc import Iterator

from workers.media import webpage
from workers.media.blocks import Block

#: YAML between rules at the very start, which Markdown itself does not know.
_FRONT_MATTER = re.compile(r"\A---[ \t]*\n(.*?)\n(?:---|\.\.\.)[ \t]*(?:\n|\Z)", re.DOTALL)


def plain_blocks(text: str) -> Iterator[Block]:
    """Paragraphs, which end at empty lines."""
    for paragraph in re.split(r"\n\s*\n", text):
        if stripped := paragraph.strip():
            yield Block(stripped)


def markdown_blocks(text: str) -> Iterator[Block]:
    """What a reader of the rendered text sees: CommonMark with tables, and HTML in it."""
    from markdown_it import MarkdownIt

    if front := _FRONT_MATTER.match(text):
        yield Block(front.group(1), "header")
        text = text[front.end() :]
    rendered = MarkdownIt("commonmark").enable(["table", "strikethrough"]).render(text)
    root = webpage.parse(rendered.encode("utf-8", "replace"), "utf-8")
    if root is not None:
        yield from webpage.blocks(root)
