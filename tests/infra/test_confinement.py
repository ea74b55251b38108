import errno
import resource
import tarfile

import pytest

from infra.confinement import _limit, _os_error, _portable, allow_cpu, call
from infra.sandbox import Sandbox
from infra.settings import SandboxLimits
from schemas.errors import EncryptedMedia, MediaTooLarge, StorageFull

LIMITS = SandboxLimits(memory_bytes=1000, cpu_s=10, file_bytes=2000)


def lower_then_raise(n_bytes):
    _limit(resource.RLIMIT_FSIZE, n_bytes)
    _limit(resource.RLIMIT_FSIZE, 2 * n_bytes)
    return resource.getrlimit(resource.RLIMIT_FSIZE)


def soft_cpu_limit():
    return resource.getrlimit(resource.RLIMIT_CPU)[0]


def soft_cpu_limit_under(hard_s):
    resource.setrlimit(resource.RLIMIT_CPU, (hard_s, hard_s))
    return call(LIMITS.model_copy(update={"cpu_s": 2 * hard_s}), soft_cpu_limit, ())


def allow_twice(seconds):
    allow_cpu(seconds)
    allow_cpu(2 * seconds)
    return soft_cpu_limit()


def out_of_memory():
    raise MemoryError


@pytest.fixture
def sandbox():
    sandbox = Sandbox(SandboxLimits(n_children=1))
    yield sandbox
    sandbox.close()


def test_limit_stays_when_it_is_lower_already(sandbox):
    assert sandbox.run(lower_then_raise, 1 << 20) == (1 << 20, 1 << 20)


def test_cpu_limit_stays_within_a_hard_limit_from_outside(sandbox):
    assert sandbox.run(soft_cpu_limit_under, 100) == 100


def test_call_limits_cpu_only_while_the_function_runs():
    before = soft_cpu_limit()

    during = call(LIMITS, soft_cpu_limit, ())

    assert during > LIMITS.cpu_s
    assert soft_cpu_limit() == before


def test_less_cpu_may_be_allowed_but_not_more(sandbox):
    wide, narrow = sandbox.run(allow_twice, 50), sandbox.run(allow_twice, 5000)

    assert wide <= 60
    assert narrow <= SandboxLimits().cpu_s + 10


def test_call_turns_a_memory_error_into_a_verdict_on_the_object():
    with pytest.raises(MediaTooLarge, match="1000 bytes"):
        call(LIMITS, out_of_memory, ())


@pytest.mark.parametrize(
    ("number", "expected"),
    [
        (errno.ENOMEM, MediaTooLarge),
        (errno.EFBIG, MediaTooLarge),
        (errno.ENOSPC, StorageFull),
        (errno.EDQUOT, StorageFull),
        (errno.ENOENT, FileNotFoundError),
    ],
)
def test_os_errors_are_told_apart(number, expected):
    assert type(_os_error(OSError(number, "x"), LIMITS)) is expected


def test_portable_keeps_what_the_parent_can_unpickle():
    ours, python = EncryptedMedia("x"), KeyError("x")

    assert _portable(ours) is ours
    assert _portable(python) is python


def test_portable_names_the_exception_of_a_library():
    error = _portable(tarfile.ReadError("not a tar"))

    assert type(error) is RuntimeError
    assert str(error) == "tarfile.ReadError: not a tar"
