import errno
import math
import os
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psutil
import pytest
from pydantic import BaseModel

from infra.confinement import LANDLOCK, NAMESPACES
from infra.landlock import find_version
from infra.sandbox import Sandbox
from infra.settings import SandboxLimits
from schemas.errors import (
    ConfigurationError,
    EncryptedMedia,
    MediaTooLarge,
    SandboxCrashed,
    StorageFull,
)

ROOT = Path(__file__).parents[2]
#: Wall clock and CPU of a test machine are not to be trusted below this.
SOON_S = 60.0


@pytest.fixture(scope="module")
def sandbox():
    limits = SandboxLimits(memory_bytes=1 << 30, cpu_s=1, file_bytes=1 << 20, n_children=2)
    sandbox = Sandbox(limits)
    yield sandbox
    sandbox.close()


def hog_memory(n_bytes):
    return len(bytearray(n_bytes))


def hog_cpu():
    while True:
        pass


def use_cpu(seconds):
    end = time.process_time() + seconds
    while time.process_time() < end:
        pass


def write_file(path, n_bytes):
    Path(path).write_bytes(bytes(n_bytes))


def raise_os_error(number):
    raise OSError(number, os.strerror(number))


def raise_encrypted():
    raise EncryptedMedia("needs a password")


def raise_timeout():
    raise TimeoutError("mine")


def raise_foreign():
    class Form(BaseModel):
        number: int

    Form(number="no")


def kill_self(number):
    os.kill(os.getpid(), number)


def find_modules(*names):
    return [name for name in names if name in sys.modules]


def read_environment():
    return dict(os.environ)


def sigint_cannot_reach_it():
    return (
        signal.SIGINT in signal.pthread_sigmask(signal.SIG_BLOCK, []),
        signal.getsignal(signal.SIGINT) is signal.SIG_IGN,
    )


def start_and_wait():
    with subprocess.Popen(["sleep", "60"]) as sleeper:
        Path("pid").write_text(str(sleeper.pid))


def find_sleeper(folder):
    """The pid that a child wrote into its own directory, or None."""
    written = [path.read_text() for path in folder.glob(str(Path("sandbox-*", "work", "pid")))]
    return int(written[0]) if written and written[0] else None


def wait_until(condition):
    deadline = time.monotonic() + SOON_S
    while not condition():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.02)


def is_alive(pid):
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def test_run_returns_what_the_function_returns_from_another_process(sandbox):
    assert sandbox.run(math.hypot, 3, 4) == 5
    assert sandbox.run(os.getpid) != os.getpid()


def test_child_does_not_import_torch(sandbox):
    assert sandbox.run(find_modules, "torch", "transformers", "celery", "sqlalchemy") == []


def test_child_sees_no_secrets_and_one_thread(monkeypatch):
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    monkeypatch.setenv("SLUICE_DATABASE_URL", "postgresql://user:secret@host")
    sandbox = Sandbox(SandboxLimits(n_children=1))

    environment = sandbox.run(read_environment)
    sandbox.close()

    assert "secret" not in str(environment)
    assert environment["OMP_NUM_THREADS"] == "1"
    assert environment["PATH"] == os.environ["PATH"]


def test_ctrl_c_cannot_reach_a_child(sandbox):
    assert sandbox.run(sigint_cannot_reach_it) == (True, True)


def test_run_says_which_memory_limit_was_passed(sandbox):
    with pytest.raises(MediaTooLarge, match=r"memory than the limit of 1073741824 bytes"):
        sandbox.run(hog_memory, 4 << 30)


def test_run_says_which_cpu_limit_was_passed(sandbox):
    with pytest.raises(MediaTooLarge, match=r"CPU than the limit of 1 s"):
        sandbox.run(hog_cpu)


def test_cpu_limit_is_per_call_not_per_child():
    sandbox = Sandbox(SandboxLimits(n_children=1, cpu_s=1))

    pids = {sandbox.run(os.getpid)}
    for _ in range(3):
        sandbox.run(use_cpu, 0.5)
    pids.add(sandbox.run(os.getpid))
    sandbox.close()

    assert len(pids) == 1


def test_run_says_which_time_limit_was_passed(sandbox):
    with pytest.raises(MediaTooLarge, match=r"longer than the limit of 0\.2 s"):
        sandbox.run(time.sleep, 60, wall_s=0.2)


def test_run_says_which_file_limit_was_passed(sandbox):
    with pytest.raises(MediaTooLarge, match=r"file beyond the limit of 1048576 bytes"):
        sandbox.run(write_file, "large", 2 << 20)


def test_run_takes_no_memory_from_the_system_for_the_limit(sandbox):
    with pytest.raises(MediaTooLarge, match="memory"):
        sandbox.run(raise_os_error, errno.ENOMEM)


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT])
def test_run_does_not_blame_the_object_for_a_full_disk(sandbox, number):
    with pytest.raises(StorageFull):
        sandbox.run(raise_os_error, number)


def test_run_raises_our_errors_as_they_are(sandbox):
    with pytest.raises(EncryptedMedia, match="needs a password"):
        sandbox.run(raise_encrypted)


def test_run_raises_defects_as_they_are(sandbox):
    with pytest.raises(ValueError, match="math domain error"):
        sandbox.run(math.sqrt, -1)
    with pytest.raises(FileNotFoundError):
        sandbox.run(os.listdir, "/nowhere")
    with pytest.raises(TimeoutError, match="mine"):
        sandbox.run(raise_timeout)


def test_run_names_exceptions_that_may_not_travel(sandbox):
    with pytest.raises(RuntimeError, match=r"pydantic_core.*ValidationError: 1 validation error"):
        sandbox.run(raise_foreign)


@pytest.mark.parametrize("name", ["SIGSEGV", "SIGKILL", "SIGABRT"])
def test_run_names_the_signal_a_child_died_of(sandbox, name):
    with pytest.raises(SandboxCrashed, match=name):
        sandbox.run(kill_self, getattr(signal, name))

    assert sandbox.run(math.sqrt, 4) == 2


def test_run_reports_a_child_that_left(sandbox):
    with pytest.raises(SandboxCrashed, match=r"code 3|before it took"):
        sandbox.run(os._exit, 3)


def test_run_replaces_a_child_that_died_while_idle():
    sandbox = Sandbox(SandboxLimits(n_children=1))
    idle = sandbox.run(os.getpid)
    os.kill(idle, signal.SIGKILL)
    time.sleep(0.5)  # several rounds of pebble's 0.1 s watch

    assert sandbox.run(os.getpid) != idle
    sandbox.close()


def test_run_serves_several_threads_at_once(sandbox):
    with ThreadPoolExecutor(6) as threads:
        results = list(threads.map(lambda n: sandbox.run(math.sqrt, n * n), range(60)))

    assert results == list(range(60))


def test_a_dying_child_leaves_its_neighbours_alone(sandbox):
    with ThreadPoolExecutor(2) as threads:
        innocent = threads.submit(sandbox.run, time.sleep, 1)
        guilty = threads.submit(sandbox.run, kill_self, signal.SIGSEGV)

        assert isinstance(guilty.exception(), SandboxCrashed)
        assert innocent.exception() is None


def test_sandbox_starts_no_process_before_the_first_call():
    before = psutil.Process().children(recursive=True)
    sandbox = Sandbox(SandboxLimits())
    after = psutil.Process().children(recursive=True)
    sandbox.close()

    assert after == before


def test_subprocess_dies_with_a_child_that_is_stopped(tmp_path):
    sandbox = Sandbox(SandboxLimits(n_children=1), tmp_path)
    sandbox.run(os.getpid)

    with pytest.raises(MediaTooLarge):
        sandbox.run(start_and_wait, wall_s=1.0)

    sleeper = find_sleeper(tmp_path)
    wait_until(lambda: not is_alive(sleeper))
    sandbox.close()


def test_close_ends_children_and_their_subprocesses_and_may_be_repeated(tmp_path):
    sandbox = Sandbox(SandboxLimits(n_children=2), tmp_path)
    child = sandbox.run(os.getpid)
    with ThreadPoolExecutor(1) as threads:
        under_way = threads.submit(sandbox.run, start_and_wait)
        wait_until(lambda: find_sleeper(tmp_path))
        sleeper = find_sleeper(tmp_path)

        sandbox.close()
        sandbox.close()

        assert isinstance(under_way.exception(), SandboxCrashed)
    assert not is_alive(child)
    wait_until(lambda: not is_alive(sleeper))
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(RuntimeError, match="closed"):
        sandbox.run(os.getpid)


PARENT = """
import sys
from pathlib import Path
from infra.sandbox import Sandbox
from infra.settings import SandboxLimits
from tests.infra.test_sandbox import start_and_wait

if __name__ == "__main__":
    Sandbox(SandboxLimits(n_children=1), Path(sys.argv[1])).run(start_and_wait)
"""


def test_no_orphans_are_left_when_the_parent_is_killed(tmp_path):
    script, folder = tmp_path / "parent.py", tmp_path / "children"
    script.write_text(PARENT)
    command = [sys.executable, str(script), str(folder)]
    with subprocess.Popen(command, env=os.environ | {"PYTHONPATH": str(ROOT)}) as parent:
        wait_until(lambda: find_sleeper(folder))
        family = psutil.Process(parent.pid).children(recursive=True)
        parent.kill()

    assert find_sleeper(folder) in {process.pid for process in family}
    wait_until(lambda: not any(is_alive(process.pid) for process in family))

    sandbox = Sandbox(SandboxLimits(n_children=1), folder)
    sandbox.clear_leftovers()
    assert list(folder.iterdir()) == []
    sandbox.close()


# -- scratch, what comes home, and what holds ------------------------------------------------


def shout(path):
    text = path.read_text()
    Path("loud").write_text(text.upper())
    return Path("loud")


def leave_link():
    Path("secret").symlink_to("/etc/passwd")


def write_much():
    for n in range(1000):
        Path(f"{n}").write_bytes(bytes(1 << 20))
        time.sleep(0.02)


class Escape:
    def __reduce__(self):
        return os.system, ("true",)


def send_escape():
    return Escape()


def test_scratch_is_where_a_function_works_and_comes_back(tmp_path):
    scratch = tmp_path / "job"
    scratch.mkdir()
    (scratch / "object").write_text("words")
    sandbox = Sandbox(SandboxLimits(n_children=1), tmp_path / "children")

    written = sandbox.run(shout, Path("object"), scratch=scratch)
    sandbox.close()

    assert (scratch / written).read_text() == "WORDS"


def leave_behind():
    Path("../left").write_text("words of another tenant")


def list_above():
    return sorted(path.name for path in Path("..").iterdir())


def test_nothing_of_one_object_is_there_for_the_next(sandbox, tmp_path):
    seen = []
    for function in (leave_behind, list_above, leave_behind, list_above):
        scratch = tmp_path / "job"
        scratch.mkdir(exist_ok=True)
        seen.append(sandbox.run(function, scratch=scratch))

    assert seen == [None, ["object"], None, ["object"]]


def test_scratch_comes_back_when_the_child_dies(sandbox, tmp_path):
    scratch = tmp_path / "job"
    scratch.mkdir()
    (scratch / "object").write_text("words")

    with pytest.raises(SandboxCrashed, match="SIGSEGV"):
        sandbox.run(kill_self, signal.SIGSEGV, scratch=scratch)

    assert (scratch / "object").read_text() == "words"


def test_link_that_a_child_leaves_is_not_followed(tmp_path):
    scratch = tmp_path / "job"
    scratch.mkdir()
    # Landlock would not let it be made.
    sandbox = Sandbox(SandboxLimits(n_children=1), tmp_path, layers=[NAMESPACES])

    with pytest.raises(SandboxCrashed, match="secret, which is no plain file"):
        sandbox.run(leave_link, scratch=scratch)
    sandbox.close()

    assert list(scratch.iterdir()) == []


def test_output_is_bounded_as_a_whole(tmp_path):
    limits = SandboxLimits(n_children=1, output_bytes=4 << 20)
    sandbox = Sandbox(limits, tmp_path)

    with pytest.raises(MediaTooLarge, match=r"wrote \d+ bytes, the limit is 4194304"):
        sandbox.run(write_much)

    assert sandbox.run(math.sqrt, 4) == 2
    sandbox.close()


def test_parent_runs_nothing_that_a_child_sends(sandbox):
    with pytest.raises(SandboxCrashed, match="Unpicklable"):
        sandbox.run(send_escape)

    assert sandbox.run(math.sqrt, 4) == 2


def test_parents_secrets_are_not_in_the_childs_first_environment(monkeypatch, tmp_path):
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "canary-of-the-parent")
    sandbox = Sandbox(SandboxLimits(n_children=1), tmp_path, mode="off")

    first = sandbox.run(Path("/proc/self/environ").read_bytes)
    sandbox.close()

    assert b"canary-of-the-parent" not in first
    assert b"PATH=" in first


@pytest.mark.skipif(not find_version(), reason="this kernel has no Landlock")
def test_sandbox_without_namespaces_still_guards_files_and_secrets(tmp_path, caplog):
    sandbox = Sandbox(SandboxLimits(n_children=1), tmp_path, layers=[LANDLOCK])

    holding = {guard.name for guard in sandbox.check() if guard.holds}
    sandbox.close()

    assert {"limits", "files", "secrets"} <= holding
    assert [r.message for r in caplog.records] == ["sandbox_incomplete"]


def test_sandbox_that_is_off_says_what_does_not_hold(tmp_path, caplog):
    sandbox = Sandbox(SandboxLimits(n_children=1), tmp_path, mode="off")

    lacking = {guard.name for guard in sandbox.check() if not guard.holds}
    sandbox.close()

    assert lacking == {"network", "files", "secrets", "signals"}
    (record,) = caplog.records
    assert "TCP" in record.missing


def test_sandbox_that_is_required_and_incomplete_runs_nothing(tmp_path):
    sandbox = Sandbox(SandboxLimits(n_children=1), tmp_path, mode="required", layers=[])

    for _ in range(2):
        with pytest.raises(ConfigurationError, match=r"SLUICE_SANDBOX=required.*network"):
            sandbox.run(math.sqrt, 4)
    sandbox.close()
