from datetime import UTC, datetime

from schemas.asset import FILE_BUCKET, TERMINAL_ASSET_STATES, AssetState, ObjectRef
from tests.factories import make_head


def test_uri_of_a_file_is_percent_encoded():
    ref = ObjectRef(bucket=FILE_BUCKET, key="tmp/a b#1.jpg")

    assert ref.uri == "file:///tmp/a%20b%231.jpg"


def test_uri_of_an_object_keeps_its_key_as_it_is():
    ref = ObjectRef(bucket="b", key="a b/ü.jpg")

    assert ref.uri == "s3://b/a b/ü.jpg"


def test_name_is_the_last_part_of_the_key():
    assert ObjectRef(bucket="b", key="x/y/z.png").name == "z.png"


def test_generation_is_the_version_where_the_bucket_keeps_versions():
    assert make_head(version_id="v7").generation == "v7"


def test_generation_changes_with_etag_size_and_time():
    later = datetime(2026, 1, 2, tzinfo=UTC)
    heads = [make_head(), make_head(etag="e2"), make_head(size_bytes=2)]
    heads.append(make_head(last_modified=later))

    assert len({head.generation for head in heads}) == 4


def test_generation_of_the_same_upload_is_the_same():
    assert make_head().generation == make_head(key="other.jpg").generation


def test_only_pending_and_processing_assets_are_on_their_way():
    assert set(AssetState) - TERMINAL_ASSET_STATES == {AssetState.PENDING, AssetState.PROCESSING}
