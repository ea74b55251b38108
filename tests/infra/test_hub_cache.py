import pytest

from infra.hub_cache import (
    cache_folder,
    find_commit,
    find_snapshot,
    folder_name,
    forget,
    keep_commit,
    pulling,
    repository_folder,
)
from schemas.errors import ConfigurationError
from tests.tiny_hub import COMMIT, REPOSITORY

pytestmark = pytest.mark.usefixtures("hub_cache")


def test_folders_are_the_librarys():
    assert folder_name(REPOSITORY) == "models--tiny--eye"
    assert repository_folder(REPOSITORY) == cache_folder() / "models--tiny--eye"


def test_snapshot_is_found_where_it_is():
    assert find_snapshot(REPOSITORY, COMMIT) is None
    folder = repository_folder(REPOSITORY) / "snapshots" / COMMIT
    folder.mkdir(parents=True)

    assert find_snapshot(REPOSITORY, COMMIT) == folder


@pytest.mark.parametrize("revision", ["main", "refs/pr/3"])
def test_commit_of_a_revision_is_kept_as_the_library_keeps_it(revision):
    assert find_commit(REPOSITORY, revision) is None

    keep_commit(REPOSITORY, revision, COMMIT)

    assert find_commit(REPOSITORY, revision) == COMMIT
    assert (repository_folder(REPOSITORY) / "refs" / revision).read_text() == COMMIT


def test_commit_needs_no_name():
    keep_commit(REPOSITORY, COMMIT, COMMIT)

    assert not repository_folder(REPOSITORY).exists()


def test_forget_removes_the_link_and_what_it_leads_to():
    blob = repository_folder(REPOSITORY) / "blob"
    blob.parent.mkdir(parents=True)
    blob.touch()
    link = blob.with_name("link")
    link.symlink_to(blob)

    forget(link)
    forget(link)

    assert list(blob.parent.iterdir()) == []


def test_second_pull_into_one_cache_is_refused():
    with (
        pulling(),
        pytest.raises(ConfigurationError, match="another process pulls"),
        pulling(),
    ):
        pass

    with pulling():
        pass


def test_cache_that_cannot_be_made_names_the_variable(monkeypatch, tmp_path):
    (tmp_path / "file").touch()
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path / "file" / "hub"))

    with pytest.raises(ConfigurationError, match=r"HF_HOME: .*Not a directory"), pulling():
        pass
