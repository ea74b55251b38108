import pytest
from pydantic import ValidationError

from schemas.lock import LockedFile, LockedModel, ModelLock


def locked(repository="a/b", revision="main", commit="0" * 40, paths=("config.json",)):
    files = {path: LockedFile(sha256="0" * 64, size_bytes=3) for path in paths}
    return LockedModel(repository=repository, revision=revision, commit=commit, files=files)


def test_entry_is_found_by_what_a_profile_asks_for():
    lock = ModelLock(models=(locked(), locked(revision="v2", commit="1" * 40)))

    assert lock.find("a/b", "v2").commit == "1" * 40
    assert lock.find("a/b", "v3") is None
    assert lock.find("c/d", "main") is None


def test_with_model_replaces_the_answer_to_the_same_question_only():
    lock = ModelLock(models=(locked("c/d"), locked(revision="v2")))

    changed = lock.with_model(locked("c/d", commit="1" * 40)).with_model(locked())

    assert [(m.repository, m.revision, m.commit[0]) for m in changed.models] == [
        ("a/b", "main", "0"),
        ("a/b", "v2", "0"),
        ("c/d", "main", "1"),
    ]


def test_size_is_that_of_all_files():
    assert locked(paths=("a", "b")).size_bytes == 6


@pytest.mark.parametrize("path", ["/etc/passwd", "../up", "a/../../up", ""])
def test_file_outside_the_repository_is_refused(path):
    with pytest.raises(ValidationError, match="below the repository"):
        locked(paths=(path,))


@pytest.mark.parametrize("commit", ["main", "c0ffee", "G" * 40])
def test_commit_must_be_one(commit):
    with pytest.raises(ValidationError):
        locked(commit=commit)
