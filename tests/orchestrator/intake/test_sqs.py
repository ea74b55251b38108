"""SQS for real (moto): what S3 and SNS put into a queue, and what is left in it when."""

import json
import threading
import time
from itertools import count

import pytest
from botocore.exceptions import ClientError
from sqlalchemy import select

from infra.s3_store import S3Store
from infra.tables import ObjectRow
from orchestrator.intake.events import Intake
from orchestrator.intake.receiver import Receiver
from orchestrator.intake.sqs import SqsSource
from schemas.errors import ConfigurationError, EventSourceUnavailable, ObjectStoreUnavailable
from tests.object_stores import empty_bucket, use_credentials
from tests.orchestrator.intake.recorder import Recorder, asking_for

BUCKET = "media"
_names = (f"queue{n}" for n in count())


@pytest.fixture(scope="module")
def boto(moto_endpoint):
    """Clients of the services around S3, one for the whole file."""
    from boto3.session import Session

    with pytest.MonkeyPatch.context() as monkeypatch:
        use_credentials(monkeypatch)
        session = Session()
        clients = {n: session.client(n, endpoint_url=moto_endpoint) for n in ("sqs", "sns")}
    yield clients
    for client in clients.values():
        client.close()


class Queue:
    """A queue of one test."""

    def __init__(self, boto, endpoint):
        self.client = boto["sqs"]
        name = next(_names)
        self.url = f"{endpoint}/123456789012/{name}"
        self.client.create_queue(QueueName=name)
        self.arn = f"arn:aws:sqs:us-east-1:123456789012:{name}"

    def send(self, *bodies):
        for body in bodies:
            self.client.send_message(QueueUrl=self.url, MessageBody=body)

    @property
    def n_left(self):
        names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
        answer = self.client.get_queue_attributes(QueueUrl=self.url, AttributeNames=names)
        return sum(int(answer["Attributes"][name]) for name in names)


@pytest.fixture
def queue(boto, moto_endpoint):
    return Queue(boto, moto_endpoint)


@pytest.fixture
def make_source(queue, monkeypatch):
    use_credentials(monkeypatch)
    opened = []

    def make(receiver, **options):
        source = SqsSource(queue.url, receiver, **{"wait_s": 0, **options})
        opened.append(source)
        return source

    yield make
    for source in opened:
        source._client.close()


def test_what_s3_says_is_committed_and_then_deleted(
    queue, make_source, moto_store: S3Store, database, settings, tmp_path
):
    client = moto_store._client
    empty_bucket(moto_store, BUCKET)
    rule = {"QueueArn": queue.arn, "Events": ["s3:ObjectCreated:*", "s3:ObjectRemoved:*"]}
    client.put_bucket_notification_configuration(
        Bucket=BUCKET, NotificationConfiguration={"QueueConfigurations": [rule]}
    )
    for key in ("red flower.jpg", "a+b%41.jpg", "gone"):
        client.put_object(Bucket=BUCKET, Key=key, Body=key.encode())
    client.delete_object(Bucket=BUCKET, Key="gone")
    source = make_source(Receiver(Intake(database, moto_store, settings), "t"))

    assert source.poll_once() == 5  # the first is S3's test event

    with database.read_scope() as session:
        held = select(ObjectRow.key).where(ObjectRow.asset_id.is_not(None))
        assert sorted(session.scalars(held)) == ["a+b%41.jpg", "red flower.jpg"]
    assert queue.n_left == 0
    client.put_bucket_notification_configuration(Bucket=BUCKET, NotificationConfiguration={})


@pytest.mark.parametrize("is_raw", ["true", "false"])
def test_what_sns_wraps_is_read(queue, make_source, boto, is_raw):
    topic = boto["sns"].create_topic(Name=f"topic-{is_raw}")["TopicArn"]
    boto["sns"].subscribe(
        TopicArn=topic,
        Protocol="sqs",
        Endpoint=queue.arn,
        Attributes={"RawMessageDelivery": is_raw},
    )
    record = {"eventName": "ObjectCreated:Put", "s3": {"bucket": {"name": "b"}}}
    record["s3"]["object"] = {"key": "red+flower.jpg"}
    boto["sns"].publish(TopicArn=topic, Message=json.dumps({"Records": [record]}))
    asked = []

    class Asked:
        def look(self, refs, *_):
            asked.extend(refs)
            return {}

    assert make_source(Receiver(Asked(), "t")).poll_once() == 1

    assert [ref.key for ref in asked] == ["red flower.jpg"]
    assert queue.n_left == 0


def test_only_what_was_taken_is_deleted(queue, make_source):
    bodies = asking_for("taken", "unanswered", "malformed", "taken")
    queue.send(*bodies)
    receiver = Recorder()
    source = make_source(receiver)

    n_polled = 0
    while n_polled < 4:
        n_polled += source.poll_once()

    assert sorted(receiver.bodies) == sorted(
        asking_for("taken", "unanswered", "malformed", "taken")
    )
    assert queue.n_left == 2


def test_nothing_is_deleted_if_the_stores_are_in_trouble(queue, make_source):
    def fail():
        raise ObjectStoreUnavailable("503")

    queue.send(*asking_for("taken"))

    with pytest.raises(ObjectStoreUnavailable):
        make_source(Recorder(fail)).poll_once()
    assert queue.n_left == 1


def test_what_was_not_deleted_comes_again(queue, make_source):
    queue.send(*asking_for("unanswered"))
    source = make_source(Recorder(), visibility_s=0)

    assert source.poll_once() == 1
    assert source.poll_once() == 1


def test_messages_stay_hidden_while_they_are_worked_on(queue, make_source):
    """Work takes longer than the visibility timeout; another poller must not see the message."""
    seen_by_other = []

    def work():
        deadline_s = time.monotonic() + 2.5
        while time.monotonic() < deadline_s:
            time.sleep(0.5)
            seen_by_other.append(other.poll_once())

    queue.send(*asking_for("taken"))
    other = make_source(Recorder())
    source = make_source(Recorder(work), visibility_s=1)

    assert source.poll_once() == 1

    assert set(seen_by_other) == {0}
    assert queue.n_left == 0
    assert not [t for t in threading.enumerate() if t.name == "sqs-heartbeat"]


def test_an_empty_queue_is_nothing_to_do(make_source):
    assert make_source(Recorder()).poll_once() == 0


def test_ping_tells_how_many_wait(queue, make_source):
    queue.send(*asking_for("taken", "taken"))

    assert make_source(Recorder()).ping() == "2 messages wait"


def test_run_polls_until_it_is_stopped(queue, make_source):
    stopping = threading.Event()
    queue.send(*asking_for("taken"))

    make_source(Recorder(stopping.set)).run(stopping)

    assert queue.n_left == 0


def test_a_queue_that_is_not_there_is_a_wrong_setting(moto_endpoint, monkeypatch):
    use_credentials(monkeypatch)
    source = SqsSource(f"{moto_endpoint}/123456789012/absent", Recorder(), wait_s=0)

    with pytest.raises(ConfigurationError, match="absent"):
        source.poll_once()
    source._client.close()


@pytest.mark.parametrize(
    ("status", "code", "expected"),
    [
        (503, "ServiceUnavailable", EventSourceUnavailable),
        (400, "ThrottlingException", EventSourceUnavailable),
        (403, "AccessDenied", ConfigurationError),
    ],
)
def test_refusals_become_our_errors(make_source, monkeypatch, status, code, expected):
    def refuse(**_):
        said = {"Error": {"Code": code}, "ResponseMetadata": {"HTTPStatusCode": status}}
        raise ClientError(said, "ReceiveMessage")

    source = make_source(Recorder())
    monkeypatch.setattr(source._client, "receive_message", refuse)

    with pytest.raises(expected, match="SQS"):
        source.poll_once()


def test_region_and_endpoint_come_from_the_url_of_the_queue(monkeypatch):
    use_credentials(monkeypatch)
    source = SqsSource("https://sqs.eu-north-1.amazonaws.com/1/q", Recorder())

    assert source._client.meta.region_name == "eu-north-1"
    assert source._client.meta.endpoint_url == "https://sqs.eu-north-1.amazonaws.com"
    source._client.close()
