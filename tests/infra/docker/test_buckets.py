import pytest

from infra.docker.buckets import main
from tests.object_stores import use_credentials


@pytest.fixture
def s3(moto_endpoint, clean_environment, monkeypatch):
    from boto3.session import Session

    use_credentials(monkeypatch)
    monkeypatch.setenv("SLUICE_S3_ENDPOINT", moto_endpoint)
    client = Session().client("s3", endpoint_url=moto_endpoint)
    yield client
    client.close()


def queue_arn(endpoint):
    from boto3.session import Session

    sqs = Session().client("sqs", endpoint_url=endpoint)
    url = sqs.create_queue(QueueName="told")["QueueUrl"]
    attributes = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])
    sqs.close()
    return attributes["Attributes"]["QueueArn"]


def test_buckets_are_made_once_and_tell_of_their_objects(s3, moto_endpoint):
    arn = queue_arn(moto_endpoint)

    for _ in range(2):
        main(["made-media", "made-artifacts", "--tell", f"made-media={arn}"])

    made = {bucket["Name"] for bucket in s3.list_buckets()["Buckets"]}
    assert {"made-media", "made-artifacts"} <= made
    (rule,) = s3.get_bucket_notification_configuration(Bucket="made-media")["QueueConfigurations"]
    assert (rule["QueueArn"], rule["Events"]) == (arn, ["s3:ObjectCreated:*", "s3:ObjectRemoved:*"])
    silent = s3.get_bucket_notification_configuration(Bucket="made-artifacts")
    assert "QueueConfigurations" not in silent


def test_bucket_with_objects_is_left_as_it_is(s3):
    s3.create_bucket(Bucket="kept")
    s3.put_object(Bucket="kept", Key="a", Body=b"1")

    main(["kept"])

    assert s3.list_objects_v2(Bucket="kept")["KeyCount"] == 1
