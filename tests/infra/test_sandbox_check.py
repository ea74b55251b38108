import os

from infra.sandbox_check import Bait, Guard, _judge, try_to_get_out
from infra.settings import SandboxLimits


def refuse():
    raise PermissionError


def test_guard_holds_when_every_way_is_refused():
    guard = _judge("x", "doors", iter([("front", refuse), ("back", refuse)]))

    assert guard == Guard("x", holds=True, found="doors out of reach: 2 ways tried")


def test_guard_names_the_ways_that_are_open():
    guard = _judge("x", "doors", iter([("front", refuse), ("back", dict)]))

    assert guard == Guard("x", holds=False, found="does not hold for: back")


def test_process_that_is_not_confined_gets_out_everywhere():
    with Bait() as bait:
        guards = try_to_get_out(SandboxLimits(), bait.folder, bait.port, os.getpid())
        left = sorted(path.name for path in bait.folder.iterdir())

    assert {guard.name for guard in guards if guard.holds} == set()
    assert left == ["canary", "socket"]
    assert not bait.folder.exists()
