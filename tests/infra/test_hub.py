import pytest

from infra import hub_cache
from infra.hub import HubFile, HubRefused, HubUnreachable, describe, fetch
from schemas.errors import ConfigurationError
from tests.tiny_hub import COMMIT, REPOSITORY

WEIGHTS = "model.safetensors"


def fetch_weights(on_bytes=lambda _: None):
    snapshot = describe(REPOSITORY, "main")
    return fetch(snapshot, snapshot.files[WEIGHTS], on_bytes)


@pytest.mark.parametrize("revision", ["main", "refs/pr/3", COMMIT])
def test_describe_tells_commit_and_files(hub, revision):
    snapshot = describe(REPOSITORY, revision)

    assert snapshot.commit == COMMIT
    assert set(snapshot.files) == set(hub.files)
    assert snapshot.files[WEIGHTS].size_bytes == len(hub.files[WEIGHTS])
    assert len(snapshot.files[WEIGHTS].digest) == 64
    assert len(snapshot.files["config.json"].digest) == 40


def test_fetch_puts_the_file_where_other_programs_look(hub):
    from huggingface_hub import try_to_load_from_cache

    path = fetch_weights()

    assert path.read_bytes() == hub.files[WEIGHTS]
    assert try_to_load_from_cache(REPOSITORY, WEIGHTS, revision=COMMIT) == str(path)


def test_fetch_twice_asks_once(hub):
    told = []
    assert fetch_weights() == fetch_weights(told.append)

    assert hub.downloads == [(WEIGHTS, None)]
    assert sum(told) == len(hub.files[WEIGHTS])


def test_fetch_goes_on_after_a_connection_that_broke(hub):
    hub.cuts = [4000]
    told = []

    path = fetch_weights(told.append)

    assert path.read_bytes() == hub.files[WEIGHTS]
    assert hub.downloads == [(WEIGHTS, None), (WEIGHTS, "bytes=4000-")]
    assert sum(told) == len(hub.files[WEIGHTS])


def test_fetch_goes_on_where_a_process_that_died_stopped(hub):
    snapshot = describe(REPOSITORY, "main")
    file = snapshot.files[WEIGHTS]
    partial = hub_cache.repository_folder(REPOSITORY) / "blobs" / f"{file.digest}.sluice-incomplete"
    partial.parent.mkdir(parents=True)
    partial.write_bytes(hub.files[WEIGHTS][:6000])
    told = []

    assert fetch(snapshot, file, told.append).read_bytes() == hub.files[WEIGHTS]
    assert hub.downloads == [(WEIGHTS, "bytes=6000-")]
    assert told[0] == 6000


def test_fetch_begins_anew_when_more_is_there_than_announced(hub):
    snapshot = describe(REPOSITORY, "main")
    file = snapshot.files[WEIGHTS]
    partial = hub_cache.repository_folder(REPOSITORY) / "blobs" / f"{file.digest}.sluice-incomplete"
    partial.parent.mkdir(parents=True)
    partial.write_bytes(bytes(file.size_bytes + 1))

    assert fetch(snapshot, file, lambda _: None).read_bytes() == hub.files[WEIGHTS]


@pytest.mark.parametrize("name", [WEIGHTS, "config.json"])
def test_fetch_refuses_what_was_not_announced(hub, name):
    snapshot = describe(REPOSITORY, "main")
    hub.lies[name] = bytes(len(hub.files[name]))

    with pytest.raises(HubRefused, match=f"{name} has digest .* announced was"):
        fetch(snapshot, snapshot.files[name], lambda _: None)

    kept = [p for p in hub_cache.repository_folder(REPOSITORY).rglob("*") if p.is_file()]
    assert kept == []
    hub.lies.clear()
    assert fetch(snapshot, snapshot.files[name], lambda _: None).read_bytes() == hub.files[name]


def test_fetch_mends_a_link_to_a_blob_that_is_gone(hub):
    path = fetch_weights()
    path.resolve().unlink()

    assert fetch_weights().read_bytes() == hub.files[WEIGHTS]


@pytest.mark.parametrize("damage", [b"", b"\0" * 10240])
def test_fetch_mends_a_file_that_another_program_damaged(hub, damage):
    fetch_weights().resolve().write_bytes(damage)

    assert fetch_weights().read_bytes() == hub.files[WEIGHTS]


def test_repository_that_is_not_there_is_refused(hub):
    with pytest.raises(HubRefused, match="nobody/nothing at main: no such repository"):
        describe("nobody/nothing", "main")


def test_revision_that_is_not_there_is_refused(hub):
    with pytest.raises(HubRefused, match=f"{REPOSITORY} at v9: no such revision"):
        describe(REPOSITORY, "v9")


def test_name_that_no_hub_takes_is_refused(hub):
    with pytest.raises(HubRefused, match="no such repository"):
        describe("not a name", "main")


@pytest.mark.parametrize(("status", "said"), [(503, "answered 503"), (200, "no hub answers there")])
def test_hub_in_trouble_is_unreachable(hub, status, said):
    hub.status = status

    with pytest.raises(HubUnreachable, match=rf"{hub.endpoint}.* {said}"):
        describe(REPOSITORY, "main")


def test_digest_that_would_leave_the_cache_is_refused(hub, monkeypatch):
    monkeypatch.setattr("tests.tiny_hub.git_sha1", lambda _: "../../../evil")

    with pytest.raises(HubRefused, match="digest"):
        describe(REPOSITORY, "main")


def test_network_that_is_down_is_unreachable(hub, monkeypatch):
    monkeypatch.setattr("huggingface_hub.constants.ENDPOINT", "http://127.0.0.1:9")

    with pytest.raises(HubUnreachable, match=r"http://127\.0\.0\.1:9: .*refused"):
        describe(REPOSITORY, "main")


def test_order_to_stay_offline_is_obeyed(hub, monkeypatch):
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)

    with pytest.raises(HubUnreachable, match="HF_HUB_OFFLINE is set"):
        describe(REPOSITORY, "main")
    assert hub.requests == []


def test_cache_that_cannot_be_written_is_named(hub):
    snapshot = describe(REPOSITORY, "main")
    folder = hub_cache.repository_folder(REPOSITORY)
    folder.parent.mkdir(parents=True, exist_ok=True)
    folder.write_text("a file in its place")

    with pytest.raises(ConfigurationError, match="Not a directory"):
        fetch(snapshot, HubFile("config.json", 1, "0" * 40), lambda _: None)
