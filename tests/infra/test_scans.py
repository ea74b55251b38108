from infra.scans import ScanProgress, Scans

HALF = ScanProgress("k", 10, 3, 2, 1)


def call(database, name, *args, **kwargs):
    with database.session_scope() as session:
        return getattr(Scans(session), name)("t", "b", "p/", *args, **kwargs)


def test_a_first_scan_begins_at_the_start(any_database):
    assert call(any_database, "open", restart=False) == ScanProgress()


def test_a_stopped_scan_goes_on(any_database):
    call(any_database, "open", restart=False)
    call(any_database, "save", HALF)

    assert call(any_database, "open", restart=False) == HALF


def test_a_scan_can_be_begun_anew(any_database):
    call(any_database, "open", restart=False)
    call(any_database, "save", HALF)

    assert call(any_database, "open", restart=True) == ScanProgress()
    assert call(any_database, "open", restart=False) == ScanProgress()


def test_a_finished_scan_begins_anew(any_database):
    call(any_database, "open", restart=False)
    call(any_database, "save", HALF)
    call(any_database, "finish")

    assert call(any_database, "open", restart=False) == ScanProgress()


def test_scans_of_other_prefixes_are_apart(any_database):
    call(any_database, "open", restart=False)
    call(any_database, "save", HALF)

    with any_database.session_scope() as session:
        assert Scans(session).open("t", "b", "q/", restart=False) == ScanProgress()
