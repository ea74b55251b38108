"""Scenes of one to three coloured shapes, and the sentences that name them.

The world is closed: every scene has exactly one caption, every caption uses only the words of
`vocabulary()`, so what a model says about a scene is either right or wrong.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np

from demo.sounds import SOUND_KINDS

COLOURS = {
    "red": (215, 35, 40),
    "green": (35, 150, 60),
    "blue": (35, 75, 205),
    "yellow": (245, 220, 45),
    "orange": (245, 135, 25),
    "purple": (130, 45, 170),
    "pink": (250, 150, 195),
    "brown": (115, 65, 30),
    "black": (15, 15, 20),
    "white": (250, 250, 250),
}
SHAPES = (
    "circle",
    "square",
    "triangle",
    "star",
    "heart",
    "diamond",
    "cross",
    "ring",
    "arrow",
    "moon",
)
#: Size of a shape as a share of the shorter side of the picture; middling sizes go unnamed.
SIZES = {"small": 0.2, "": 0.29, "large": 0.42}
#: Shapes that another shape fits into.
FRAMES = ("circle", "square", "heart", "diamond")
PLACES = ("on the left", "on the right", "at the top", "at the bottom", "in the middle")
PAIRS = ("above", "left of", "inside")
LINES = ("in a row", "in a column")
#: The same relation told from the other side; queries use it, captions do not.
MIRRORED = {"above": "below", "left of": "right of", "inside": "around"}
NUMBERS = (
    "one",
    "two",
    "three",
    "four",
    "five",
    "six",
    "seven",
    "eight",
    "nine",
    "ten",
)
MOVES = ("up", "down", "left", "right")

_T = TypeVar("_T")


@dataclass(frozen=True)
class Shape:
    """One shape; `size` is a key of `SIZES`."""

    size: str
    colour: str
    kind: str

    @property
    def phrase(self) -> str:
        """`a small red circle`; the article fits the next word."""
        words = [word for word in (self.size, self.colour, self.kind) if word]
        return " ".join(["an" if words[0][0] in "aeiou" else "a", *words])


@dataclass(frozen=True)
class Scene:
    """Shapes in reading order (outer last for `inside`) and what holds between them."""

    shapes: tuple[Shape, ...]
    relation: str

    @property
    def caption(self) -> str:
        """The one sentence that names this scene."""
        return self._told(self.shapes, self.relation)

    @property
    def mirrored_caption(self) -> str:
        """The same scene told from the other side; equal to `caption` where there is none."""
        relation = MIRRORED.get(self.relation)
        return self._told(self.shapes[::-1], relation) if relation else self.caption

    @staticmethod
    def _told(shapes: Sequence[Shape], relation: str) -> str:
        phrases = [shape.phrase for shape in shapes]
        if len(phrases) == 2:  # noqa: PLR2004 - a pair
            return f"{phrases[0]} {relation} {phrases[1]}"
        return f"{' and '.join(phrases)} {relation}"


def pick(rng: np.random.Generator, options: Sequence[_T]) -> _T:
    """Choose one option; unlike `Generator.choice` it keeps the option's type."""
    return options[int(rng.integers(len(options)))]


def random_shape(
    rng: np.random.Generator, sizes: Sequence[str] = tuple(SIZES), kinds: Sequence[str] = SHAPES
) -> Shape:
    """Draw a shape, each property on its own."""
    return Shape(pick(rng, sizes), pick(rng, list(COLOURS)), pick(rng, kinds))


def random_scene(rng: np.random.Generator) -> Scene:
    """Draw a scene: one shape in a fifth of them, three in a fifth, else two."""
    n_shapes = pick(rng, (1, 2, 2, 2, 3))
    if n_shapes == 1:
        return Scene((random_shape(rng),), pick(rng, PLACES))
    if n_shapes == 3:  # noqa: PLR2004
        shapes = tuple(random_shape(rng, ("small", "")) for _ in range(3))
        return Scene(shapes, pick(rng, LINES))
    return _random_pair(rng)


def _random_pair(rng: np.random.Generator) -> Scene:
    relation = pick(rng, PAIRS)
    if relation == "inside":
        return inside_pair(rng)
    return Scene((random_shape(rng), random_shape(rng)), relation)


def inside_pair(rng: np.random.Generator) -> Scene:
    """Draw a small shape inside a large one of another colour."""
    outer = random_shape(rng, ("large",), FRAMES)
    inner = random_shape(rng, ("small",))
    while inner.colour == outer.colour:
        inner = random_shape(rng, ("small",))
    return Scene((inner, outer), "inside")


def distinct_scenes(rng: np.random.Generator, count: int) -> list[Scene]:
    """Draw scenes no two of which share a caption."""
    scenes: dict[str, Scene] = {}
    while len(scenes) < count:
        scene = random_scene(rng)
        scenes.setdefault(scene.caption, scene)
    return list(scenes.values())


def near_miss(rng: np.random.Generator, scene: Scene) -> Scene:
    """Change one thing of a scene: the lesson that pictures at random hardly ever teach."""
    other = scene
    while other == scene:
        other = _changed(rng, scene)
    return other


def _changed(rng: np.random.Generator, scene: Scene) -> Scene:
    """Reorder the shapes or draw one property of one shape again; it may come out the same."""
    shapes = list(scene.shapes)
    if len(shapes) > 1 and scene.relation != "inside" and pick(rng, (True, False)):
        order = rng.permutation(len(shapes))
        shapes = [shapes[i] for i in order]
    else:
        at = int(rng.integers(len(shapes)))
        shapes[at] = _altered(rng, scene, at)
    return Scene(tuple(shapes), scene.relation)


def _altered(rng: np.random.Generator, scene: Scene, at: int) -> Shape:
    old = scene.shapes[at]
    if scene.relation == "inside":
        taken = scene.shapes[1 - at].colour
        return Shape(old.size, pick(rng, [c for c in COLOURS if c != taken]), old.kind)
    new = random_shape(rng, ("small", "") if len(scene.shapes) > 2 else tuple(SIZES))  # noqa: PLR2004
    which = rng.integers(3)
    return Shape(
        new.size if which == 0 else old.size,
        new.colour if which == 1 else old.colour,
        new.kind if which == 2 else old.kind,  # noqa: PLR2004 - the third property
    )


def random_sentence(rng: np.random.Generator) -> str:
    """Draw a sentence that a narrator of this world might say."""
    shape, number = random_shape(rng), pick(rng, NUMBERS)
    thing = f"the {shape.colour} {shape.kind}"
    told = (
        f"now we see {random_scene(rng).caption}",
        f"look at {random_scene(rng).mirrored_caption}",
        f"{thing} moves {pick(rng, MOVES)}",
        f"then {thing} turns {pick(rng, list(COLOURS))}",
        f"listen to {pick(rng, SOUND_KINDS)}",
        f"after {number} seconds we hear {pick(rng, SOUND_KINDS)}",
        f"page {number} shows {random_shape(rng).phrase}",
        f"count {' '.join(pick(rng, NUMBERS) for _ in range(3))}",
        " ".join(pick(rng, VOCABULARY) for _ in range(int(rng.integers(3, 8)))),
    )
    return told[int(rng.integers(len(told)))]


def vocabulary() -> tuple[str, ...]:
    """Every word of the world, sorted."""
    return tuple(sorted({word for line in _lines() for word in line.split()}))


def _lines() -> Iterator[str]:
    """Something with every word in it."""
    yield from (*COLOURS, *SHAPES, *SIZES, *PLACES, *PAIRS, *LINES, *MIRRORED.values())
    yield from (*NUMBERS, *MOVES, *SOUND_KINDS)
    yield "a an and now we see look at the moves then turns listen to"
    yield "after seconds hear page shows count"


VOCABULARY = vocabulary()
