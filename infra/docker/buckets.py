"""Makes the buckets of an installation, and has their server tell of objects.

`python -m infra.docker.buckets artifacts media --tell media=arn:rustfs:sqs:us-east-1:x:webhook`
"""

import argparse
from collections.abc import Sequence
from typing import Any

from infra.s3_client import connect
from infra.s3_errors import translated
from infra.settings import load_settings

#: Not `ObjectAccessed`: our own HEADs would each send one.
_EVENTS = ("s3:ObjectCreated:*", "s3:ObjectRemoved:*")


def main(args: Sequence[str] | None = None) -> None:
    """Make what is named; safe to repeat."""
    parser = argparse.ArgumentParser(description="Make buckets, and have them tell of objects.")
    parser.add_argument("buckets", nargs="+", metavar="BUCKET")
    parser.add_argument("--tell", action="append", default=[], metavar="BUCKET=ARN")
    given = parser.parse_args(args)
    settings = load_settings()
    with translated("S3"):
        client = connect(settings.s3_endpoint, settings.s3_region, settings.s3)
        for bucket in given.buckets:
            make_bucket(client, bucket)
        for bucket, _, arn in (told.partition("=") for told in given.tell):
            tell_of_objects(client, bucket, arn)
        client.close()


def make_bucket(client: Any, bucket: str) -> None:
    """Make a bucket that is absent; one that others own is refused by the first write to it."""
    known = (client.exceptions.BucketAlreadyOwnedByYou, client.exceptions.BucketAlreadyExists)
    try:
        client.create_bucket(Bucket=bucket)
    except known:
        return


def tell_of_objects(client: Any, bucket: str, arn: str) -> None:
    """Have every change of a bucket told to a target; replaces what was told before."""
    rule = {"Id": "sluice", "QueueArn": arn, "Events": list(_EVENTS)}
    client.put_bucket_notification_configuration(
        Bucket=bucket, NotificationConfiguration={"QueueConfigurations": [rule]}
    )


if __name__ == "__main__":
    main()
