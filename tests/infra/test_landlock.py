import os
import socket
from pathlib import Path

import pytest

from infra.landlock import find_version, restrict
from infra.sandbox import Sandbox
from infra.settings import SandboxLimits

pytestmark = pytest.mark.skipif(not find_version(), reason="this kernel has no Landlock")


def outcome(attempt, *args):
    try:
        attempt(*args)
    except OSError as exc:
        return type(exc).__name__
    return "done"


def live_restricted(folder, port):
    """Restrict this process, then try things; names what came of each."""
    allowed, listed, mine = folder / "allowed", folder / "listed", folder / "mine"
    restrict(
        readable=[allowed, folder / "missing"],
        listable=[listed],
        devices=[Path(os.devnull)],
        writable=mine,
    )
    (mine / "made").write_text("x")
    return {
        "read allowed": outcome((allowed / "a").read_text),
        "write allowed": outcome((allowed / "a").write_text, "x"),
        "list listed": outcome(os.listdir, listed),
        "read listed": outcome((listed / "a").read_text),
        "read outside": outcome((folder / "a").read_text),
        "rename within": outcome((mine / "made").rename, mine / "renamed"),
        "link": outcome((mine / "link").symlink_to, "/etc/passwd"),
        "device": outcome(Path(os.devnull).write_text, "x"),
        "connect": outcome(socket.create_connection, ("127.0.0.1", port), 1.0),
    }


def test_restricted_process_keeps_only_what_is_named(tmp_path):
    for name in ("allowed", "listed", "mine"):
        (tmp_path / name).mkdir()
    for path in ("a", "allowed/a", "listed/a"):
        (tmp_path / path).write_text("words")
    sandbox = Sandbox(SandboxLimits(n_children=1), tmp_path, mode="off")
    with socket.create_server(("127.0.0.1", 0)) as server:
        found = sandbox.run(live_restricted, tmp_path, server.getsockname()[1])
    sandbox.close()

    denied = {"write allowed", "read listed", "read outside", "link", "connect"}
    assert {what for what, how in found.items() if how != "done"} == denied


def test_restriction_is_for_good(tmp_path):
    sandbox = Sandbox(SandboxLimits(n_children=1), tmp_path)

    assert sandbox.run(outcome, os.listdir, str(tmp_path)) != "done"
    assert sandbox.run(outcome, os.listdir, str(tmp_path)) != "done"
    sandbox.close()
