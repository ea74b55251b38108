"""Every malformed file of the shared test media through `prepare`: always a record, always soon."""

import json
import re
import shutil
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import pytest

from infra.sandbox import Sandbox
from infra.settings import MediaLimits, SandboxLimits
from schemas.errors import PermanentError
from tests.hostile.test_hostile import used_s
from workers.media.read import read_object
from workers.stage import Prepared

FOLDER = Path(__file__).parents[3] / "shared/data/malformed"
FILES = sorted(p for p in FOLDER.rglob("*") if p.is_file() and not p.name.endswith(".gt.json"))
MOST_S, WALL_S = 30.0, 300.0
N_SHOWN = 10
#: The reference decoder got pictures, pages or sound out of it, and did not stop halfway.
_READ = re.compile(r"pixels load|first pages render|; [1-9]\d* frames$")
#: Files that a reference decoder reads and we refuse, each by a policy of docs/formats.md.
POLICIES: dict[str, str] = {}

pytestmark = pytest.mark.skipif(not FILES, reason=f"no test media in {FOLDER}")


@dataclass(frozen=True)
class Outcome:
    """What came of one file, and the CPU time it took."""

    name: str
    result: Prepared | BaseException
    seconds: float
    reference: str

    @property
    def is_read(self):
        return isinstance(self.result, Prepared)

    @property
    def line(self):
        found = "read" if self.is_read else f"{type(self.result).__name__}: {self.result}"
        if self.is_read and self.result.failures:
            found = f"partial: {self.result.failures[0].message}"
        return f"{self.seconds:6.2f} s  {self.name}: {found[:150]}  [{self.reference[:70]}]"


def read_timed(*args):
    """What reading gives, and the CPU seconds it took; a busy machine's clock says little."""
    before_s = used_s()
    try:
        result = read_object(*args)
    except PermanentError as exc:
        result = exc
    return result, used_s() - before_s


@pytest.fixture(scope="module")
def outcomes(tmp_path_factory):
    root = tmp_path_factory.mktemp("malformed")
    sandbox = Sandbox(SandboxLimits(n_children=2, wall_s=WALL_S), root)

    def prepare(number, path):
        scratch = root / f"job-{number}"
        scratch.mkdir()
        shutil.copy(path, scratch / "input")
        truth = json.loads(path.with_name(f"{path.name}.gt.json").read_text())
        args = (Path("input"), path.name, Path(), MediaLimits())
        try:
            result, seconds = sandbox.run(read_timed, *args, scratch=scratch)
        except Exception as exc:  # noqa: BLE001 - a defect of ours is what is looked for
            result, seconds = exc, 0.0
        name = path.relative_to(FOLDER).as_posix()
        return Outcome(name, result, seconds, truth["reference_outcome"])

    with ThreadPoolExecutor(2) as threads:
        found = list(threads.map(prepare, range(len(FILES)), FILES))
    sandbox.close()
    return found


def shown(title, outcomes):
    return "\n".join([f"\n{title} ({len(outcomes)}):", *(outcome.line for outcome in outcomes)])


def test_every_file_ends_as_a_record(outcomes):
    slowest = sorted(outcomes, key=lambda outcome: -outcome.seconds)[:N_SHOWN]
    print(shown("slowest", slowest))

    defects = [o.line for o in outcomes if not (o.is_read or isinstance(o.result, PermanentError))]

    assert defects == []


def test_every_file_ends_soon(outcomes):
    assert [o.line for o in outcomes if o.seconds > MOST_S] == []


def test_what_others_read_is_refused_by_a_stated_policy_only(outcomes):
    refused = [o for o in outcomes if _READ.search(o.reference) and not o.is_read]
    print(shown("a reference decoder reads it, we refuse it", refused))

    assert {o.name: o.line for o in refused if o.name not in POLICIES} == {}


def test_no_policy_outlives_its_file(outcomes):
    refused = {outcome.name for outcome in outcomes if not outcome.is_read}

    assert set(POLICIES) <= refused


def test_every_failure_says_which_part_and_why(outcomes):
    failures = [f for outcome in outcomes if outcome.is_read for f in outcome.result.failures]

    assert failures
    assert [f for f in failures if not f.message or f.stage != "prepare"] == []
