from datetime import UTC, datetime, timedelta, timezone

from infra.vectors.payload import (
    INDEXES,
    AnyOf,
    Between,
    batches,
    matching,
    of_scope,
    stored_payload,
)
from infra.vectors.store import UPSERT_BATCH
from schemas.asset import MediaType
from schemas.search import Filter
from tests.infra.vectors.factories import ASSET, OTHER_ASSET, make_point, make_points, make_scope


def test_stored_payload_holds_json_values_and_no_nulls() -> None:
    payload = make_point(kind=MediaType.VIDEO, start_s=0.0, end_s=2.5).payload

    stored = stored_payload("acme", payload)

    assert stored["tenant"] == "acme"
    assert stored["asset_id"] == str(ASSET)
    assert (stored["kind"], type(stored["kind"])) == ("video", str)
    assert stored["start_s"] == 0.0
    assert not {"page", "language"} & stored.keys()


def test_matching_names_the_tenant_first_even_without_a_filter() -> None:
    assert matching("acme", Filter()) == [AnyOf("tenant", ("acme",))]


def test_matching_says_every_field() -> None:
    after, before = datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 2, 1, tzinfo=UTC)
    everything = Filter(
        kinds=(MediaType.AUDIO, MediaType.VIDEO),
        asset_id=OTHER_ASSET,
        mime_type="audio/flac",
        bucket="b",
        language="en",
        stage="transcribe",
        page=0,
        created_after=after,
        created_before=before,
    )

    conditions = {condition.key: condition for condition in matching("acme", everything)}

    assert conditions["kind"] == AnyOf("kind", ("audio", "video"))
    assert conditions["asset_id"] == AnyOf("asset_id", (str(OTHER_ASSET),))
    assert conditions["page"] == AnyOf("page", (0,))
    assert conditions["created_at"] == Between("created_at", after.timestamp(), before.timestamp())
    assert len(conditions) == 9


def test_matching_takes_times_without_a_zone_as_utc() -> None:
    naive = Filter(created_after=datetime(2026, 1, 1, 12))  # noqa: DTZ001  the case at hand
    paris = timezone(timedelta(hours=1))
    aware = Filter(created_after=datetime(2026, 1, 1, 13, tzinfo=paris))

    assert matching("acme", naive) == matching("acme", aware)


def test_conditions_name_indexed_fields_only() -> None:
    scope = {condition.key for condition in of_scope("acme", make_scope())}

    assert scope == {"tenant", "asset_id", "stage", "part"}
    assert scope <= INDEXES.keys()
    assert set(Filter.model_fields) - INDEXES.keys() == {"kinds", "created_after", "created_before"}


def test_batches_are_full_but_the_last() -> None:
    points = make_points(UPSERT_BATCH + 1)

    assert [len(batch) for batch in batches(points)] == [UPSERT_BATCH, 1]
    assert list(batches([])) == []
