"""Each known attack as a file, through the real `prepare` and the real sandbox.

Whatever comes: a result or a permanent error within 30 s of CPU, no memory beyond 1.5 GiB, nothing
outside of the scratch read, written or called, and a child that goes on working.
"""

import resource
import shutil
import socket
from pathlib import Path

import pytest
from PIL import Image

from infra.sandbox import Sandbox
from infra.settings import MediaLimits, SandboxLimits
from schemas.errors import PermanentError
from tests.factories import make_job, make_ref
from tests.hostile import archives, compounds, documents, images, timed
from tests.hostile.rows import CANARY, Lure
from workers.device import Device
from workers.stage import Prepared, Source, StageContext
from workers.stages.prepare import Prepare

ROWS = [*archives.ROWS, *images.ROWS, *documents.ROWS, *compounds.ROWS, *timed.ROWS]
#: Keys are opaque bytes to us; these are the ones that hurt others.
NAMES = [
    *("-i.png", "-vf", "%d.png", "concat:a|b.png", "http:x.png", "..", "a\nb.png", "a\0b.png"),
    *("\u202egnp.exe.png", "\U0001f4a3.png", "e\u0301.png", "\xe9.png", "x" * 1020 + ".png"),
]
#: Of CPU: the clock of a busy machine is not to be trusted.
MOST_S = 30.0
WALL_S = 300.0
MOST_BYTES = 1536 << 20
WHO = (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)


@pytest.fixture(scope="module")
def sandbox(tmp_path_factory):
    limits = SandboxLimits(n_children=1, wall_s=WALL_S)
    sandbox = Sandbox(limits, tmp_path_factory.mktemp("children"))
    yield sandbox
    sandbox.close()


@pytest.fixture(scope="module")
def stage(sandbox):
    stage = Prepare(StageContext(model=None, sandbox=sandbox, limits=MediaLimits()))
    stage.load(Device())
    return stage


@pytest.fixture(scope="module")
def outside(tmp_path_factory):
    """A neighbour's directory, and a listener."""
    folder = tmp_path_factory.mktemp("outside")
    (folder / "canary").write_text(CANARY)
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.setblocking(False)  # noqa: FBT003
        yield folder, server


@pytest.fixture
def prepare(stage, tmp_path):
    def prepare(name, content):
        scratch = tmp_path / "scratch"
        scratch.mkdir()
        (scratch / "input").write_bytes(content)
        ref = make_ref(key=f"bucket/{name}")
        source = Source(job=make_job(), scratch=scratch, ref=ref, path=scratch / "input")
        (item,) = stage.preprocess(source)
        (outcome,) = stage.forward([item])
        shutil.rmtree(scratch)
        return outcome

    return prepare


def used_s():
    """CPU seconds of this child and of the programs that it ran."""
    own, programs = (resource.getrusage(who) for who in WHO)
    return own.ru_utime + own.ru_stime + programs.ru_utime + programs.ru_stime


def peak_bytes():
    """Most memory that this child, and any program it ran, ever held at once."""
    return max(resource.getrusage(who).ru_maxrss for who in WHO) * 1024


def words_of(outcome):
    return " ".join(s.text or "" for part in outcome.texts.values() for s in part)


def check_nothing_left(outside):
    folder, server = outside
    assert [path.name for path in folder.iterdir()] == ["canary"]
    with pytest.raises(BlockingIOError):
        server.accept()


def control_image(tmp_path):
    path = tmp_path / "control.png"
    Image.new("RGB", (8, 6), "red").save(path)
    return path.read_bytes()


@pytest.mark.parametrize("row", ROWS, ids=lambda row: f"{row.attack}: {row.name}")
def test_attack_ends_as_a_record_and_hurts_nobody(row, prepare, sandbox, outside, tmp_path):
    folder, server = outside
    content = row.make(Lure(str(folder / "canary"), server.getsockname()[1]))
    before_s = sandbox.run(used_s)
    # A new process inherits the peak of the one that started it: this test run's, at times.
    most_bytes = max(MOST_BYTES, sandbox.run(peak_bytes))

    outcome = prepare(row.name, content)

    if row.refused_as and not (row.or_read and isinstance(outcome, Prepared)):
        assert isinstance(outcome, row.refused_as), repr(outcome)
        assert row.says in str(outcome)
    else:
        assert isinstance(outcome, Prepared), repr(outcome)
        assert row.says in words_of(outcome)
        assert CANARY not in words_of(outcome)
        assert len(outcome.members) <= MediaLimits().n_members
    check_nothing_left(outside)
    assert sandbox.run(used_s) - before_s < MOST_S
    assert sandbox.run(peak_bytes) <= most_bytes
    assert isinstance(prepare("control.png", control_image(tmp_path)), Prepared)


@pytest.mark.parametrize("name", NAMES, ids=[ascii(name)[:20] for name in NAMES])
def test_name_is_only_a_name(name, prepare, outside, tmp_path):
    outcome = prepare(name, control_image(tmp_path))

    assert isinstance(outcome, Prepared), repr(outcome)
    check_nothing_left(outside)


def read_path(path):
    return Path(path).read_text()


def test_other_jobs_scratch_is_out_of_reach(sandbox, outside):
    if not all(g.holds for g in sandbox.check() if g.name == "files"):
        pytest.skip("this kernel guards no files")
    with pytest.raises(OSError, match="canary"):
        sandbox.run(read_path, str(outside[0] / "canary"))


def test_every_failure_is_permanent_and_says_something(prepare):
    outcome = prepare("noise.bin", bytes(range(256)) * 4)

    assert isinstance(outcome, PermanentError)
    assert "noise.bin" in str(outcome)
