import gc
import hashlib
import json
import shutil
import tomllib
from typing import ClassVar

import pytest

from infra import profiles
from infra.hub_cache import repository_folder
from infra.snapshots import Snapshots
from schemas.errors import ConfigurationError, DeviceOutOfMemory
from schemas.lock import LockedFile
from schemas.stages import ModelRef
from workers.models import loading
from workers.models.loading import FAMILIES, checkpoint_folder, load_model, package_folder
from workers.models.roles import Captioner, ImageEncoder, TextEncoder


@pytest.fixture
def siglip(demo_models, tmp_path):
    """A copy of the checkpoint that a test may spoil, and its reference."""
    folder = tmp_path / "copy"
    shutil.copytree(profiles.CHECKPOINTS_DIR / "siglip", folder)
    return ModelRef(source=str(folder), revision="1", family="siglip"), folder


def test_load_model_shares_a_model_while_somebody_holds_it(demo_models, cpu):
    ref = demo_models["embed_visual"]
    first = load_model(ref, cpu, ImageEncoder)

    assert load_model(ref, cpu, TextEncoder) is first


def test_load_model_lets_go_of_a_model_that_nobody_holds(siglip, cpu):
    ref, folder = siglip
    load_model(ref, cpu, ImageEncoder)
    gc.collect()
    shutil.rmtree(folder)

    with pytest.raises(ConfigurationError):
        load_model(ref, cpu, ImageEncoder)


class Kettle(ImageEncoder):
    """Counts how often it was warmed up."""

    fuel: ClassVar[list[str]] = ["wood", "coal"]
    n_times: ClassVar[int] = 0

    def warm_up(self):
        if not self.fuel:
            raise DeviceOutOfMemory("no fuel")
        Kettle.n_times += 1


@pytest.fixture
def kettle(monkeypatch):
    monkeypatch.setitem(FAMILIES, "kettle", f"{__name__}:Kettle")
    monkeypatch.setattr(Kettle, "n_times", 0)
    return ModelRef(source="kettle", revision="1", family="kettle")


def test_load_model_warms_a_model_up_once(kettle, cpu):
    holders = [load_model(kettle, cpu, ImageEncoder) for _ in range(3)]

    assert len(set(holders)) == Kettle.n_times == 1


def test_load_model_shares_no_model_that_stayed_cold(kettle, cpu, monkeypatch):
    monkeypatch.setattr(Kettle, "fuel", [])
    with pytest.raises(DeviceOutOfMemory):
        load_model(kettle, cpu, ImageEncoder)
    monkeypatch.setattr(Kettle, "fuel", ["wood"])

    load_model(kettle, cpu, ImageEncoder)

    assert Kettle.n_times == 1


def test_load_model_refuses_a_profile_that_asks_for_remote_code(kettle, cpu):
    ref = kettle.model_copy(update={"parameters": {"trust_remote_code": True}})

    with pytest.raises(ConfigurationError, match="must not set trust_remote_code"):
        load_model(ref, cpu, ImageEncoder)

    assert Kettle.n_times == 0


def test_load_model_refuses_a_family_without_the_role(demo_models, cpu):
    with pytest.raises(ConfigurationError, match=r"siglip \(random weights\): .* is no Captioner"):
        load_model(demo_models["embed_visual"], cpu, Captioner)


def test_load_model_lists_families_when_one_is_unknown(cpu):
    ref = ModelRef(source="x", revision="1", family="oracle")

    with pytest.raises(
        ConfigurationError, match=f"unknown family oracle; known: {FAMILIES and 'blip'}"
    ):
        load_model(ref, cpu, ImageEncoder)


@pytest.mark.parametrize("path", sorted(profiles.PROFILES_DIR.glob("*.toml")), ids=lambda p: p.stem)
def test_packaged_profile_names_families_that_there_are(path):
    tables = tomllib.loads(path.read_text())

    assert {table["family"] for table in tables.values()} <= set(FAMILIES)


@pytest.mark.parametrize(
    "name", ["config.json", "tokenizer_config.json", "preprocessor_config.json"]
)
def test_load_model_refuses_code_from_the_checkpoint(siglip, cpu, name):
    ref, folder = siglip
    config = json.loads((folder / name).read_text())
    (folder / name).write_text(json.dumps(config | {"auto_map": {"AutoModel": "evil.Model"}}))

    with pytest.raises(ConfigurationError, match="auto_map"):
        load_model(ref, cpu, ImageEncoder)


@pytest.mark.parametrize("name", ["pytorch_model.bin", "model.pt", "model.ckpt"])
def test_load_model_refuses_pickles(siglip, cpu, name):
    ref, folder = siglip
    (folder / "model.safetensors").rename(folder / name)

    with pytest.raises(ConfigurationError, match=f"must be safetensors; found only {name}"):
        load_model(ref, cpu, ImageEncoder)


def test_load_model_refuses_a_checkpoint_without_weights(siglip, cpu):
    ref, folder = siglip
    (folder / "model.safetensors").unlink()

    with pytest.raises(ConfigurationError, match="found no weights"):
        load_model(ref, cpu, ImageEncoder)


def test_load_model_refuses_incomplete_weights(siglip, cpu):
    from safetensors.torch import load_file, save_file

    ref, folder = siglip
    weights = load_file(folder / "model.safetensors")
    del weights["vision_model.post_layernorm.bias"]
    save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})

    with pytest.raises(ConfigurationError, match="1 weights of SiglipModel are missing"):
        load_model(ref, cpu, ImageEncoder)


def test_checkpoint_folder_of_an_absent_checkpoint_says_where_it_looked(tmp_path, monkeypatch):
    monkeypatch.setattr(profiles, "CHECKPOINTS_DIR", tmp_path)
    ref = ModelRef(source="checkpoint:siglip", revision="1", family="siglip")

    with pytest.raises(ConfigurationError, match=r"no config\.json in .*siglip"):
        checkpoint_folder(ref)


def test_checkpoint_folder_of_a_hub_model_that_is_not_locked_says_what_to_do():
    ref = ModelRef(source="nobody/absent-model", revision="main", family="siglip")

    with pytest.raises(ConfigurationError, match="is not locked; run `sluice models pull`"):
        checkpoint_folder(ref)


@pytest.fixture
def from_hub(siglip, hub_cache, tmp_path, monkeypatch):
    """The same checkpoint as a program of the hub's would have left it in the cache."""
    _, folder = siglip
    commit = "c" * 40
    source = repository_folder("tiny/siglip") / "snapshots" / commit
    shutil.copytree(folder, source)
    files = {
        path.name: LockedFile(
            sha256=hashlib.sha256(path.read_bytes()).hexdigest(), size_bytes=path.stat().st_size
        )
        for path in source.iterdir()
    }
    (source / "adapter_config.json").write_text("{}")
    monkeypatch.setattr(loading, "_snapshots", Snapshots(tmp_path / "models"))
    return ModelRef(source="tiny/siglip", revision=commit, family="siglip", files=files), source


def test_load_model_reads_the_locked_files_and_nothing_else(from_hub, cpu):
    ref, _ = from_hub

    assert {path.name for path in checkpoint_folder(ref).iterdir()} == set(ref.files)
    assert load_model(ref, cpu, ImageEncoder).embed_texts(["red"]).shape == (1, 128)


def test_load_model_refuses_a_file_that_was_tampered_with(from_hub, cpu):
    ref, source = from_hub
    checkpoint_folder(ref)
    weights = bytearray((source / "model.safetensors").read_bytes())
    weights[-1] ^= 1
    (source / "model.safetensors").write_bytes(weights)

    with pytest.raises(ConfigurationError, match=r"model\.safetensors has sha256 .*models pull"):
        load_model(ref, cpu, ImageEncoder)


def test_package_folder_of_an_absent_package_says_how_to_get_it():
    with pytest.raises(ConfigurationError, match="no-such-package is not installed"):
        package_folder("no-such-package")
