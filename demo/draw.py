"""Pictures of scenes, drawn with Pillow."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import cos, pi, sin

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from demo.world import COLOURS, SIZES, Scene, Shape, pick

#: Middling greys and pastels, against which every colour of a shape stands out.
BACKGROUNDS = ((150, 165, 175), (175, 165, 145), (125, 140, 130), (190, 190, 195), (100, 105, 120))
#: Drawn larger and shrunk, for smooth edges.
_OVERSAMPLING = 2
#: Height of the strip that printed words stand on, as a share of the picture.
_STRIP = 0.14

Point = tuple[float, float]


@dataclass(frozen=True)
class Placed:
    """A shape at a place: centre as fractions of width and height, size of the shorter side."""

    shape: Shape
    x: float
    y: float
    size: float
    turn: float


@dataclass(frozen=True)
class View:
    """How a scene is seen: background, printed words, and how far it has moved."""

    background: tuple[int, int, int] = BACKGROUNDS[0]
    words: str = ""
    shift: Point = (0.0, 0.0)
    zoom: float = 1.0


def place(scene: Scene, rng: np.random.Generator) -> list[Placed]:
    """Choose where the shapes of a scene go; what is around another is drawn first."""
    jitter = 0.01 if scene.relation == "inside" else 0.02
    return [
        Placed(
            shape,
            x + rng.uniform(-jitter, jitter),
            y + rng.uniform(-jitter, jitter),
            SIZES[shape.size] * rng.uniform(0.92, 1.08),
            rng.uniform(-0.15, 0.15),
        )
        for shape, (x, y) in zip(scene.shapes[::-1], _centres(scene)[::-1], strict=True)
    ]


def _centres(scene: Scene) -> Sequence[Point]:
    return {
        "on the left": [(0.25, 0.5)],
        "on the right": [(0.75, 0.5)],
        "at the top": [(0.5, 0.25)],
        "at the bottom": [(0.5, 0.75)],
        "in the middle": [(0.5, 0.5)],
        "above": [(0.5, 0.26), (0.5, 0.74)],
        "left of": [(0.26, 0.5), (0.74, 0.5)],
        "inside": [(0.5, 0.5), (0.5, 0.5)],
        "in a row": [(0.18, 0.5), (0.5, 0.5), (0.82, 0.5)],
        "in a column": [(0.5, 0.18), (0.5, 0.5), (0.5, 0.82)],
    }[scene.relation]


def draw(placed: Sequence[Placed], view: View, size_px: tuple[int, int]) -> Image.Image:
    """Draw placed shapes; printed words get a white strip below that the scene keeps clear of.

    Args:
        placed: shapes, back to front.
        view: background, words and movement.
        size_px: width and height.

    Returns:
        An RGB image.
    """
    image = Image.new("RGB", size_px, view.background)
    height_px = round(size_px[1] * scene_height(view))
    image.paste(_draw_shapes(placed, view, (size_px[0], height_px)))
    if view.words:
        _print_words(image, view.words, height_px)
    return image


def scene_height(view: View) -> float:
    """Share of the picture's height that is left to the scene."""
    return 1 - _STRIP if view.words else 1.0


def draw_scene(scene: Scene, rng: np.random.Generator, size_px: tuple[int, int]) -> Image.Image:
    """Draw a scene at a random background."""
    return draw(place(scene, rng), View(pick(rng, BACKGROUNDS)), size_px)


def _draw_shapes(placed: Sequence[Placed], view: View, size_px: tuple[int, int]) -> Image.Image:
    width, height = size_px[0] * _OVERSAMPLING, size_px[1] * _OVERSAMPLING
    image = Image.new("RGB", (width, height), view.background)
    canvas = ImageDraw.Draw(image)
    for item in placed:
        centre = ((item.x + view.shift[0]) * width, (item.y + view.shift[1]) * height)
        radius = item.size * min(width, height) / 2 * view.zoom
        _draw_shape(canvas, item, centre, radius)
    return image.reduce(_OVERSAMPLING)


def _draw_shape(canvas: ImageDraw.ImageDraw, item: Placed, centre: Point, radius: float) -> None:
    colour = COLOURS[item.shape.colour]
    if item.shape.kind in ("circle", "ring"):
        box = (centre[0] - radius, centre[1] - radius, centre[0] + radius, centre[1] + radius)
        width = round(radius * 0.35)
        if item.shape.kind == "circle":
            canvas.ellipse(box, fill=colour)
        else:
            canvas.ellipse(box, outline=colour, width=width)
        return
    cosine, sine = cos(item.turn), sin(item.turn)
    canvas.polygon(
        [
            (
                centre[0] + radius * (x * cosine - y * sine),
                centre[1] + radius * (x * sine + y * cosine),
            )
            for x, y in _OUTLINES[item.shape.kind]()
        ],
        fill=colour,
    )


def _print_words(image: Image.Image, words: str, top_px: int) -> None:
    """Black words on a white strip, as large as fits."""
    canvas = ImageDraw.Draw(image)
    canvas.rectangle((0, top_px, image.width, image.height), fill=(255, 255, 255))
    size_px = (image.height - top_px) * 0.62
    width_px = canvas.textlength(words, font=ImageFont.load_default(size_px))
    font = ImageFont.load_default(size_px * min(1.0, image.width * 0.94 / width_px))
    centre = (image.width / 2, (top_px + image.height) / 2)
    canvas.text(centre, words, fill=(0, 0, 0), font=font, anchor="mm")


def _star() -> list[Point]:
    radii = [1.0 if i % 2 == 0 else 0.42 for i in range(10)]
    return [(r * sin(i * pi / 5), -r * cos(i * pi / 5)) for i, r in enumerate(radii)]


def _heart() -> list[Point]:
    angles = [i * pi / 24 for i in range(48)]
    return [
        (sin(a) ** 3, -(13 * cos(a) - 5 * cos(2 * a) - 2 * cos(3 * a) - cos(4 * a)) / 16)
        for a in angles
    ]


def _moon() -> list[Point]:
    """A crescent, open to the right: an outer arc and a flatter one back."""
    outer = [(cos(a), sin(a)) for a in (pi / 3 + i * pi / 18 for i in range(25))]
    inner = [
        (0.5 + 0.87 * cos(a), 0.87 * sin(a)) for a in (pi * 1.5 - i * pi / 18 for i in range(19))
    ]
    return outer + inner


_OUTLINES: dict[str, Callable[[], list[Point]]] = {
    "square": lambda: [(-0.85, -0.85), (0.85, -0.85), (0.85, 0.85), (-0.85, 0.85)],
    "triangle": lambda: [(0, -1), (0.95, 0.8), (-0.95, 0.8)],
    "diamond": lambda: [(0, -1), (0.65, 0), (0, 1), (-0.65, 0)],
    "cross": lambda: [
        (-0.3, -1), (0.3, -1), (0.3, -0.3), (1, -0.3), (1, 0.3), (0.3, 0.3),
        (0.3, 1), (-0.3, 1), (-0.3, 0.3), (-1, 0.3), (-1, -0.3), (-0.3, -0.3),
    ],
    "arrow": lambda: [
        (0, -1), (0.85, -0.1), (0.3, -0.1), (0.3, 1), (-0.3, 1), (-0.3, -0.1), (-0.85, -0.1),
    ],
    "star": _star,
    "heart": _heart,
    "moon": _moon,
}  # fmt: skip
