from infra.workforce import Workforce
from orchestrator.attendance import find_attendance
from tests.factories import make_plan, plant_asset


def test_queue_that_nobody_takes_is_told_and_so_is_its_work(any_database):
    with any_database.session_scope() as session:
        Workforce(session, 5.0).join("w1", ["prepare.normal"], "cpu")
        plant_asset(session, [make_plan(), make_plan(stage="ocr")])

    found = find_attendance(any_database, 5.0)

    assert [worker.name for worker in found.workers] == ["w1"]
    assert "prepare.normal" not in found.unattended
    assert {"prepare.bulk", "caption.normal"} < set(found.unattended)
    assert found.waiting == ("ocr.normal",)


def test_nobody_works_where_nobody_has_joined(any_database):
    found = find_attendance(any_database, 5.0)

    assert found.workers == ()
    assert len(found.unattended) == 21
    assert found.waiting == ()
