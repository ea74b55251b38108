"""What a whole installation holds."""

import pytest

from infra import holdings
from infra.contents import Contents
from infra.database import Database
from infra.holdings import CONTENT_TABLES, Holdings
from infra.workforce import Workforce
from schemas.asset import FILE_BUCKET, ArtifactKind
from tests.factories import make_artifact, make_plan, plant_asset


def test_content_is_every_table_but_who_works():
    names = [table.name for table in CONTENT_TABLES]

    assert "workers" not in names
    assert {"assets", "objects", "artifacts", "segments", "jobs", "outbox", "spaces"} <= {*names}
    assert names.index("assets") < names.index("jobs") < names.index("job_edges")


def test_rows_are_counted_over_all_tenants(any_database):
    with any_database.session_scope() as session:
        for tenant in ("t", "t", "u"):
            plant_asset(session, [make_plan()], tenant=tenant)
        held = Holdings(session)

        assert {name: n for name, n in held.n_rows().items() if n} == {
            "assets": 3,
            "objects": 3,
            "jobs": 3,
        }
        assert sorted(held.tenants()) == ["t", "u"]
        assert sorted(held.filled_tables()) == ["assets", "jobs", "objects"]


def test_empty_database_without_tables_holds_nothing(tmp_path):
    database = Database(f"sqlite:///{tmp_path / 'new.db'}")
    with database.read_scope() as session:
        assert Holdings(session).filled_tables() == []
        assert not Holdings(session).has_schema()
    database.close()


def test_workers_alone_are_no_content(any_database):
    with any_database.session_scope() as session:
        Workforce(session, 5.0).join("w", ["ocr"], "cpu")

        assert Holdings(session).has_schema()
        assert Holdings(session).filled_tables() == []


def test_files_of_this_machine_are_counted(any_database):
    with any_database.session_scope() as session:
        plant_asset(session, bucket=FILE_BUCKET)
        plant_asset(session)

        assert Holdings(session).n_local_objects() == 1


@pytest.mark.parametrize("page", [2, 1000])
def test_assets_come_in_pages_with_the_keys_of_their_artifacts(any_database, monkeypatch, page):
    monkeypatch.setattr(holdings, "_PAGE", page)
    kinds = (ArtifactKind.VIEW, ArtifactKind.THUMBNAIL)
    expected = {}
    with any_database.session_scope() as session:
        for n in range(5):
            asset_id = plant_asset(session, tenant=f"t{n}")
            made = [make_artifact(kind=kind, key=f"{n}/{kind}") for kind in kinds[: n % 3]]
            Contents(session).put_artifacts({asset_id: made})
            expected[asset_id] = (f"t{n}", {artifact.key for artifact in made})

        pages = list(Holdings(session).assets())

    found = {asset.asset_id: (asset.tenant, {*asset.keys}) for page in pages for asset in page}
    assert found == expected
    assert max(map(len, pages)) <= page
