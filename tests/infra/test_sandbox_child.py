import pytest

from infra.sandbox_child import SandboxChild, _take_odd
from infra.settings import SandboxLimits


def test_child_has_a_folder_of_its_own_that_goes_with_it(tmp_path):
    children = [SandboxChild(SandboxLimits(), tmp_path / "new", ()) for _ in range(2)]

    folders = {child.cage.folder for child in children}
    (children[0].cage.work_dir / "a").write_bytes(bytes(100))
    sizes = [child.n_bytes() for child in children]
    for child in children:
        child.close()

    assert len(folders) == 2
    assert sizes == [100, 0]
    assert list((tmp_path / "new").iterdir()) == []


def test_plain_files_and_directories_are_left_alone(tmp_path):
    (tmp_path / "deep").mkdir()
    (tmp_path / "deep/a").touch()

    assert _take_odd(tmp_path) == []
    assert (tmp_path / "deep/a").exists()


@pytest.mark.parametrize("place", ["link", "deep/link"])
def test_link_is_removed_and_named(tmp_path, place):
    (tmp_path / "deep").mkdir()
    (tmp_path / place).symlink_to("/etc")

    assert _take_odd(tmp_path) == ["link"]
    assert not (tmp_path / place).is_symlink()


def test_folder_that_became_a_link_is_replaced(tmp_path):
    (tmp_path / "scratch").symlink_to("/etc")

    assert _take_odd(tmp_path / "scratch") == ["scratch"]
    assert list((tmp_path / "scratch").iterdir()) == []
