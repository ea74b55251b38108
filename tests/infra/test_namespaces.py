import os
import socket
import subprocess
from pathlib import Path

import pytest

from infra.confinement import NAMESPACES
from infra.sandbox import Sandbox
from infra.settings import SandboxLimits


def outcome(attempt, *args):
    try:
        attempt(*args)
    except OSError as exc:
        return type(exc).__name__
    return "done"


def look_around():
    with socket.socket() as client:
        network = client.connect_ex(("127.0.0.1", 9))
    return {
        "root": sorted(path.name for path in Path("/").iterdir()),
        "network": os.strerror(network),
        "write root": outcome(os.mkdir, "/x"),
        "write libraries": outcome(os.mkdir, "/usr/x"),
        "write here": outcome(os.mkdir, "x"),
        "mount": subprocess.run(["mount", "-t", "tmpfs", "t", "."], check=False).returncode,
        "uid": os.getuid(),
        "owner": Path("x").stat().st_uid,
    }


@pytest.fixture
def found(tmp_path):
    """What a child in namespaces alone sees; skips where the kernel has none for us."""
    sandbox = Sandbox(SandboxLimits(n_children=1), tmp_path, layers=[NAMESPACES])
    found = sandbox.run(look_around)
    sandbox.close()
    if found["network"] != "Network is unreachable":
        pytest.skip("this kernel lets us make no namespaces")
    return found


def test_child_in_namespaces_sees_libraries_and_its_own_directory(found, tmp_path):
    assert {"var", "boot", "srv", "mnt"}.isdisjoint(found["root"])
    assert found["write root"] == found["write libraries"] == "OSError"  # read-only
    assert found["write here"] == "done"
    assert found["mount"] != 0
    assert found["uid"] == found["owner"] == os.getuid()
