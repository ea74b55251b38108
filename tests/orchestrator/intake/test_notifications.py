"""Notifications in every shape that a sender is known to write."""

import json
from urllib.parse import quote_plus

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.intake.notifications import MalformedNotice, parse
from schemas.asset import ObjectRef

KEYS = [
    "plain.jpg",
    "red flower.jpg",
    "a+b%41.png",
    "%2e%2e/../x//y/",
    "cafe\u0301/caf\u00e9",  # decomposed and composed: two keys
    "😀\n\t\u202e.pdf",
    "%",
]


def record(key, event="ObjectCreated:Put", source="aws:s3", bucket="media", **fields):
    name = {"key": key, "sequencer": "0055AED6DCD90281E5", **fields}
    body = {"eventSource": source, "eventName": event}
    return {**body, "s3": {"bucket": {"name": bucket}, "object": name}}


def records(*found):
    return json.dumps({"Records": found})


def keys(body):
    return [ref.key for ref in parse(body).refs]


@pytest.mark.parametrize("key", KEYS)
def test_keys_of_s3_are_decoded_once(key):
    body = records(record(quote_plus(key)))

    assert parse(body).refs == (ObjectRef(bucket="media", key=key),)
    assert parse(body.encode()) == parse(body)


@pytest.mark.parametrize("key", KEYS)
def test_keys_of_minio_and_rustfs_are_decoded_once(key):
    for source in ("minio:s3", "rustfs:s3"):
        sent = record(quote_plus(key), event="s3:ObjectCreated:Put", source=source)
        body = json.dumps(
            {"EventName": "s3:ObjectCreated:Put", "Key": f"media/{key}", "Records": [sent]}
        )

        assert keys(body) == [key]


@pytest.mark.parametrize("key", KEYS)
def test_keys_of_ceph_are_taken_as_they_are(key):
    assert keys(records(record(key, source="ceph:s3"))) == [key]


@pytest.mark.parametrize("key", KEYS)
def test_keys_of_eventbridge_are_taken_as_they_are(key):
    detail = {"bucket": {"name": "media"}, "object": {"key": key, "version-id": "v"}}
    body = {"source": "aws.s3", "detail-type": "Object Created", "detail": detail}

    assert parse(json.dumps(body)).refs == (ObjectRef(bucket="media", key=key),)


@pytest.mark.parametrize("kind", ["Object Deleted", "Object Restore Completed"])
def test_eventbridge_tells_of_changes(kind):
    detail = {"bucket": {"name": "media"}, "object": {"key": "a"}}

    assert keys(json.dumps({"source": "aws.s3", "detail-type": kind, "detail": detail})) == ["a"]


def test_eventbridge_of_other_services_is_ignored():
    for source, kind in [("aws.ec2", "Object Created"), ("aws.s3", "Object Tags Added")]:
        found = parse(json.dumps({"source": source, "detail-type": kind, "detail": {}}))

        assert found.refs == ()
        assert kind in found.ignored[0]


def test_sns_wraps_what_s3_says():
    inner = records(record("red+flower.jpg"))
    once = json.dumps({"Type": "Notification", "TopicArn": "arn", "Message": inner})
    twice = json.dumps({"Type": "Notification", "Message": once})

    assert keys(once) == keys(twice) == ["red flower.jpg"]


def test_sns_envelopes_have_an_end():
    body = records(record("a"))
    for _ in range(5):
        body = json.dumps({"Type": "Notification", "Message": body})

    with pytest.raises(MalformedNotice, match="bucket notification"):
        parse(body)


def test_setting_up_a_subscription_says_nothing():
    body = {
        "Type": "SubscriptionConfirmation",
        "Message": "m",
        "SubscribeURL": "http://169.254.1.1",
    }

    assert parse(json.dumps(body)).refs == ()


def test_the_test_event_says_nothing():
    assert parse('{"Service":"Amazon S3","Event":"s3:TestEvent","Bucket":"media"}') == (
        (),
        ("s3:TestEvent",),
    )


@pytest.mark.parametrize(
    "event",
    [
        "ObjectCreated:Put",
        "ObjectCreated:Post",
        "ObjectCreated:Copy",
        "s3:ObjectCreated:CompleteMultipartUpload",
        "ObjectRemoved:Delete",
        "s3:ObjectRemoved:DeleteMarkerCreated",
        "ObjectRemoved:DeletedNULLVersion",
        "LifecycleExpiration:Delete",
        "ObjectLifecycle:Expiration:Current",
        "ObjectRestore:Completed",
        "ObjectSynced:Create",
    ],
)
def test_changes_are_looked_at_whatever_their_version(event):
    assert keys(records(record("a", event=event, versionId="v1"))) == ["a"]


@pytest.mark.parametrize(
    "event",
    ["s3:ObjectAccessed:Head", "ObjectTagging:Put", "ObjectRestore:Post", "Future:Thing", None, 7],
)
def test_events_that_change_no_bytes_are_ignored(event):
    """A HEAD that is told of would be answered by another one, for ever."""
    found = parse(records(record("a", event=event), record("b")))

    assert [ref.key for ref in found.refs] == ["b"]
    assert found.ignored == (f"event {event!r}",)


def test_duplicates_are_one_and_order_does_not_matter():
    late = record("a", sequencer="01")
    found = keys(
        records(
            record("a", sequencer="0002"), record("b"), late, record("a", "ObjectRemoved:Delete")
        )
    )

    assert found == ["a", "b"]


def test_a_thousand_records_are_read():
    assert len(keys(records(*(record(f"k{n}") for n in range(1000))))) == 1000


@pytest.mark.parametrize(
    "bad",
    [
        record("a", bucket="file"),
        record("a", bucket="../etc"),
        record("a", bucket="arn:aws:s3:us-east-1:1:accesspoint/x"),
        record("a", bucket=None),
        record(None),
        record(""),
        record("a%00b"),
        record("x" * 1025),
        record("%ff%fe"),
        record("\ud800"),
        {"eventName": "ObjectCreated:Put", "s3": "nonsense"},
    ],
    ids=str,
)
def test_a_record_that_names_nothing_spares_its_neighbours(bad):
    found = parse(records(bad, record("good")))

    assert [ref.key for ref in found.refs] == ["good"]
    assert len(found.ignored) == 1


def seaweed(key, kind="create", **message):
    return json.dumps({"key": key, "event_type": kind, "message": message})


def test_seaweedfs_tells_of_paths_below_buckets():
    new = {"name": "b+c%41.jpg", "attributes": {}}
    body = seaweed("/buckets/media/a/b+c%41.jpg", new_entry=new, new_parent_path="/buckets/media/a")

    assert parse(body).refs == (ObjectRef(bucket="media", key="a/b+c%41.jpg"),)


def test_seaweedfs_tells_of_a_rename_once():
    body = seaweed(
        "/buckets/media/old",
        "rename",
        old_entry={"name": "old"},
        new_entry={"name": "new"},
        new_parent_path="/buckets/media/there",
    )

    assert keys(body) == ["old", "there/new"]


@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("/buckets/media/folder", {"new_entry": {"name": "folder", "is_directory": True}}),
        ("/buckets/media/.uploads/1/0001.part", {"new_entry": {"name": "0001.part"}}),
        ("/etc/passwd", {}),
        ("/buckets/media", {"new_entry": {"name": "media"}}),
        (None, {}),
    ],
)
def test_seaweedfs_folders_and_parts_are_ignored(path, message):
    found = parse(seaweed(path, **message))

    assert found.refs == ()
    assert found.ignored


def test_lists_that_minio_leaves_in_redis_are_read():
    event = {"Event": [record("red+flower.jpg")], "EventTime": "2026-11-21T00:00:00Z"}

    assert keys(json.dumps([event, event])) == ["red flower.jpg"]


@pytest.mark.parametrize(
    "body", ["", "{", "7", '"Records"', "{}", '{"a": 1}', "[" * 100_000, b"\xff"]
)
def test_what_is_no_notification_is_said_to_be_none(body):
    with pytest.raises(MalformedNotice):
        parse(body)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ["Records", "Event", "Message", "Type", "s3", "key", "event_type", "detail"]
            )
            | st.text(max_size=3),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)


@given(JSON)
def test_whatever_is_sent_is_read_or_refused(document):
    try:
        found = parse(json.dumps(document))
    except MalformedNotice:
        return
    assert all(ref.bucket != "file" and "\0" not in ref.key for ref in found.refs)
