"""A boto3 client for one S3 endpoint, and its pools that move large objects in ranges.

The bytes of a download are those that were recorded: each range is asked for with `If-Match`, and
the etag of each answer is compared, too, for there are servers that do not know that header.
"""

from typing import Any

from infra.s3_errors import translated
from infra.settings import S3Settings
from schemas.errors import ConfigurationError, ObjectChanged

#: Connections for requests other than transfers: HEADs of the intake above all.
_SPARE_CONNECTIONS = 16
_CONNECT_TIMEOUT_S = 5
_READ_TIMEOUT_S = 60
#: Where the parameters of a request are kept until its answer comes.
_WANTED = "sluice_wanted"


def connect(endpoint: str, region: str, options: S3Settings) -> Any:
    """A client; it connects with the first request. Credentials come from boto3's own chain.

    Args:
        endpoint: URL of the service; empty means AWS.
        region: of the buckets.
        options: how to talk to it.

    Raises:
        ConfigurationError: the endpoint is no URL, or a file of the configuration is missing.
    """
    # Imported here because it takes a third of a second.
    from boto3.session import Session

    name = f"S3 at {endpoint or region}"
    try:
        with translated(name, absent=ConfigurationError):
            client = Session().client(
                "s3",
                endpoint_url=endpoint or None,
                region_name=region,
                verify=str(options.ca_file) if options.ca_file else options.verify_tls,
                config=_config(options, is_aws=not endpoint),
            )
    except ValueError as exc:
        raise ConfigurationError(f"SLUICE_S3_ENDPOINT: {exc}; expected a URL") from exc
    client.meta.events.register("before-parameter-build.s3.GetObject", _remember_etag)
    client.meta.events.register("after-call.s3.GetObject", _check_etag)
    return client


def make_transfers(client: Any, options: S3Settings, *, threshold_bytes: int) -> Any:
    """A pool of threads that moves objects from a size on in ranges, several at once.

    Its memory is bounded whatever the size of the object: `n_parallel` pieces of 256 KiB under
    way, and 100 that wait for the disk.
    """
    from boto3.s3.transfer import TransferConfig, create_transfer_manager

    config = TransferConfig(
        preferred_transfer_client="classic",
        max_concurrency=options.n_parallel,
        multipart_chunksize=options.part_bytes,
        multipart_threshold=threshold_bytes,
        num_download_attempts=options.max_attempts,
    )
    return create_transfer_manager(client, config)


def _config(options: S3Settings, *, is_aws: bool) -> Any:
    from botocore.config import Config

    # For AWS `auto` is by host name, save for buckets whose names no certificate covers.
    style = ("auto" if is_aws else "path") if options.addressing == "auto" else options.addressing
    # Stores other than AWS refuse the checksums that boto3 adds of its own accord.
    adds_checksums = is_aws if options.checksums == "auto" else options.checksums == "on"
    return Config(
        connect_timeout=_CONNECT_TIMEOUT_S,
        read_timeout=_READ_TIMEOUT_S,
        # Uploads and downloads may both be under way.
        max_pool_connections=2 * options.n_parallel + _SPARE_CONNECTIONS,
        retries={"mode": "adaptive", "total_max_attempts": options.max_attempts},
        s3={"addressing_style": style},
        # The older one, which URLs would be signed with, leaves out the size.
        signature_version="s3v4",
        request_checksum_calculation="when_supported" if adds_checksums else "when_required",
    )


def _remember_etag(params: dict[str, Any], context: dict[str, Any], **_: Any) -> None:
    context[_WANTED] = params


def _check_etag(parsed: dict[str, Any], context: dict[str, Any], **_: Any) -> None:
    asked = context[_WANTED]
    wanted, found = asked.get("IfMatch"), parsed.get("ETag")
    if wanted and found and wanted.strip('"') != found.strip('"'):
        uri = f"s3://{asked['Bucket']}/{asked['Key']}"
        # Nobody will read it: without this its connection stays open until it is collected.
        parsed["Body"].close()
        raise ObjectChanged(f"{uri}: found etag {found}, expected {wanted}")
