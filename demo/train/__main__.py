"""Train the demo's models: `python -m demo.train [--only NAME] [--minutes N] [--device cuda]`.

An interrupted training goes on where it was. A model moves to `demo/models` when its last step
is done; until then `demo/models` keeps what it had.
"""

import argparse
import json
import logging
import shutil
from pathlib import Path
from typing import Any

from torch import nn

from demo.train import background
from demo.train.blip import Blip
from demo.train.clap import Clap
from demo.train.loop import Recipe, train
from demo.train.siglip import Siglip
from demo.train.whisper import Whisper
from infra.profiles import CARD_FILE, CHECKPOINTS_DIR, content_revision

RECIPES: dict[str, type[Recipe]] = {
    "blip": Blip,
    "siglip": Siglip,
    "clap": Clap,
    "whisper": Whisper,
}
#: What spaces of texts and media say of pairs that do not belong.
MEASURES = {"siglip": background.of_images, "clap": background.of_sounds}
STATES_DIR = Path(".sluice") / "training"


def main() -> None:
    """Train all models, or one."""
    parser = argparse.ArgumentParser(description="Train the demo's models from scratch.")
    parser.add_argument("--only", choices=RECIPES, help="train this one")
    parser.add_argument("--minutes", type=float, default=90.0, help="stop a model after this long")
    parser.add_argument("--device", default="cpu", help="cpu or cuda")
    wanted = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    for name in [wanted.only] if wanted.only else RECIPES:
        recipe = RECIPES[name]()
        run = train(recipe, STATES_DIR / f"{name}.pt", wanted.minutes, wanted.device)
        if run.is_finished:
            publish(recipe, run.model, CHECKPOINTS_DIR / name)


def publish(recipe: Recipe, model: nn.Module, folder: Path) -> None:
    """Write a checkpoint with its card, then put it in place of the one that was there."""
    fresh = folder.with_name(f".{folder.name}-trained")
    shutil.rmtree(fresh, ignore_errors=True)
    recipe.save(model, fresh)
    card: dict[str, Any] = {"random_weights": False, "revision": content_revision(fresh)}
    if recipe.name in MEASURES:
        card["background"] = MEASURES[recipe.name](fresh).model_dump()
    (fresh / CARD_FILE).write_text(json.dumps(card, indent=2) + "\n")
    for path in fresh.iterdir():
        path.chmod(0o644)  # weights are written for their owner alone
    shutil.rmtree(folder, ignore_errors=True)
    fresh.rename(folder)


if __name__ == "__main__":
    main()
