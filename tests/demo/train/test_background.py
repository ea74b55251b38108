from demo.train import background
from demo.train.clap import Clap
from demo.train.siglip import Siglip
from tests.demo.test_speech import needs_espeak
from tests.demo.train.test_siglip import captioner

__all__ = ["captioner"]


def test_background_of_images_is_measured_on_a_saved_checkpoint(captioner, tmp_path, monkeypatch):
    monkeypatch.setattr(background, "_N_SCENES", 4)
    recipe, folder = Siglip(captioner[0]), tmp_path / "siglip"
    recipe.save(recipe.build(), folder)

    found = background.of_images(folder)

    assert -1 < found.mean < 1
    assert found == background.of_images(folder)


@needs_espeak
def test_background_of_sounds_is_measured_on_a_saved_checkpoint(tmp_path, monkeypatch):
    monkeypatch.setattr(background, "_N_SCENES", 4)
    recipe = Clap()
    recipe.save(recipe.build(), tmp_path)

    found = background.of_sounds(tmp_path)

    assert 0 < found.std < 1
