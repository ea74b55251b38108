"""The one training loop: steps, schedule, and a state to go on from."""

import logging
import math
import time
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader, Dataset

from demo.train.muon import Muon, hidden_matrices

logger = logging.getLogger(__name__)

#: Never used to measure: `demo.evaluate` refuses it.
TRAINING_SEED = 20_260_101
_WARM_UP = 0.05
_WEIGHT_DECAY = 0.02
#: Rate of the hidden matrices, as a multiple of the recipe's.
_MUON_GAIN = 3.0
#: Heads that are there for the training only.
_PROBES = frozenset({"probe"})
_SAVE_EVERY = 100
_LOG_EVERY = 25

#: Tensors by name: what a model's `forward` takes, or a loss.
Batch = dict[str, Any]


class Recipe(ABC):
    """How one model is made: its shape, its examples, its loss."""

    name: str
    n_steps: int
    peak_rate: float
    #: Processes that make examples while the model learns.
    n_makers: int = 1

    @abstractmethod
    def build(self) -> nn.Module:
        """Make the model with random weights; to fine-tune, load a published one here."""

    @abstractmethod
    def batch(self, rng: np.random.Generator, progress: float) -> Batch:
        """Make one batch of examples; `progress` runs from 0 to 1 over the training."""

    @abstractmethod
    def loss(self, model: nn.Module, batch: Batch) -> Tensor:
        """A scalar to make small."""

    @abstractmethod
    def save(self, model: nn.Module, folder: Path) -> None:
        """Write weights, configuration, processor and tokenizer."""


class _Batches(Dataset[Batch]):
    """Batch n depends on n alone: an interrupted training goes on as if it had not been."""

    def __init__(self, recipe: Recipe) -> None:
        self._recipe = recipe

    def __len__(self) -> int:
        return self._recipe.n_steps

    def __getitem__(self, step: int) -> Batch:
        rng = np.random.default_rng([TRAINING_SEED, step])
        return self._recipe.batch(rng, step / self._recipe.n_steps)


@dataclass(frozen=True)
class Run:
    """How far a training came."""

    model: nn.Module
    is_finished: bool


def train(recipe: Recipe, state_path: Path, minutes: float, device: str = "cpu") -> Run:
    """Train until the recipe's steps are done or the time is up.

    Args:
        recipe: what to train.
        state_path: where the state is kept; a later call goes on from it.
        minutes: stop after this long even if steps remain.
        device: `cpu` or `cuda`.

    Returns:
        The model as it is then, ready to infer, and whether that was the last step.
    """
    torch.manual_seed(TRAINING_SEED)
    model = recipe.build().to(device).train()
    optimizers = _optimizers(model, recipe.peak_rate)
    step = _restore(state_path, model, optimizers)
    diary = _Diary(recipe.name, step)
    for batch in _loader(recipe, range(step, recipe.n_steps)):
        diary.note(step, _step(recipe, model, optimizers, _on(device, batch), step))
        step += 1
        is_late = diary.minutes > minutes
        if is_late or step == recipe.n_steps or step % _SAVE_EVERY == 0:
            _keep(state_path, model, optimizers, step)
        if is_late:
            break
    return Run(model.eval(), step == recipe.n_steps)


def _optimizers(model: nn.Module, peak_rate: float) -> list[torch.optim.Optimizer]:
    """Muon for the hidden matrices, AdamW for the rest: half as many steps as AdamW alone."""
    hidden = hidden_matrices(model, _PROBES)
    known = {id(matrix) for matrix in hidden}
    rest = [weights for weights in model.parameters() if id(weights) not in known]
    optimizers = [
        Muon(hidden, lr=peak_rate * _MUON_GAIN, weight_decay=_WEIGHT_DECAY),
        torch.optim.AdamW(rest, lr=peak_rate, betas=(0.9, 0.98), weight_decay=_WEIGHT_DECAY),
    ]
    for optimizer in optimizers:
        for group in optimizer.param_groups:
            group["peak_rate"] = group["lr"]
    return optimizers


class _Diary:
    """Logs the mean loss and pace every so many steps."""

    def __init__(self, name: str, first_step: int) -> None:
        self._name = name
        self._first_step = first_step
        self._started_s = time.monotonic()
        self._losses: list[float] = []

    @property
    def minutes(self) -> float:
        """Since the training began or went on."""
        return (time.monotonic() - self._started_s) / 60

    def note(self, step: int, loss: float) -> None:
        self._losses.append(loss)
        if step % _LOG_EVERY:
            return
        step_s = self.minutes * 60 / (step - self._first_step + 1)
        mean = sum(self._losses) / len(self._losses)
        self._losses.clear()
        logger.info("%s: step %d, loss %.3f, %.2f s a step", self._name, step, mean, step_s)


def _loader(recipe: Recipe, steps: range) -> DataLoader[Batch]:
    return DataLoader(
        _Batches(recipe),
        batch_size=None,
        sampler=steps,
        num_workers=recipe.n_makers,
    )


def _step(
    recipe: Recipe,
    model: nn.Module,
    optimizers: Sequence[torch.optim.Optimizer],
    batch: Batch,
    step: int,
) -> float:
    """One update of the weights; bfloat16 where the device multiplies it faster."""
    for group in (group for optimizer in optimizers for group in optimizer.param_groups):
        group["lr"] = group["peak_rate"] * _rate(step / recipe.n_steps)
    device = next(model.parameters()).device.type
    with torch.autocast(device, dtype=torch.bfloat16, enabled=_bfloat16_is_faster(device)):
        loss = recipe.loss(model, batch)
    model.zero_grad()
    loss.backward()  # type: ignore[no-untyped-call]
    nn.utils.clip_grad_norm_(model.parameters(), 1.0)
    for optimizer in optimizers:
        optimizer.step()
    return loss.item()


@cache
def _bfloat16_is_faster(device: str) -> bool:
    """Measure it: a CPU without instructions for it takes fifty times as long."""

    def seconds(dtype: torch.dtype) -> float:
        matrix = torch.ones(256, 256, dtype=dtype, device=device)
        matrix @ matrix  # the first call chooses its kernel
        started_s = time.perf_counter()
        (matrix @ matrix).sum().item()
        return time.perf_counter() - started_s

    return seconds(torch.bfloat16) < seconds(torch.float32)


def _rate(progress: float) -> float:
    """Rise to 1 over the warm-up, then fall along a cosine."""
    if progress < _WARM_UP:
        return (progress + 1e-4) / _WARM_UP
    return 0.01 + 0.99 * (0.5 + 0.5 * math.cos(math.pi * (progress - _WARM_UP) / (1 - _WARM_UP)))


def _on(device: str, batch: Batch) -> Batch:
    return {k: v.to(device) if isinstance(v, Tensor) else v for k, v in batch.items()}


def _restore(path: Path, model: nn.Module, optimizers: Sequence[torch.optim.Optimizer]) -> int:
    """Load the state if there is one; the step to go on with."""
    if not path.is_file():
        return 0
    state = torch.load(path, weights_only=True)
    model.load_state_dict(state["model"])
    for optimizer, kept in zip(optimizers, state["optimizers"], strict=True):
        optimizer.load_state_dict(kept)
    return int(state["step"])


def _keep(
    path: Path, model: nn.Module, optimizers: Sequence[torch.optim.Optimizer], step: int
) -> None:
    """Write the state beside, then rename: a stop in between leaves the old one."""
    path.parent.mkdir(parents=True, exist_ok=True)
    fresh = path.with_suffix(".part")
    kept = [optimizer.state_dict() for optimizer in optimizers]
    torch.save({"model": model.state_dict(), "optimizers": kept, "step": step}, fresh)
    fresh.replace(path)
