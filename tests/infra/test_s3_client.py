"""How S3 is talked to: addresses, trust, checksums, retries."""

from io import BytesIO
from pathlib import Path
from typing import Any

import pytest

from infra.s3_client import connect, make_transfers
from infra.settings import S3Settings, load_settings
from schemas.errors import ConfigurationError, ObjectChanged
from tests.object_stores import use_credentials

DEFAULTS = S3Settings.model_construct()


@pytest.fixture(autouse=True)
def _credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    use_credentials(monkeypatch)


def url_of(client: Any, bucket: str = "media") -> str:
    url: str = client.generate_presigned_url("get_object", {"Bucket": bucket, "Key": "k"})
    return url.partition("?")[0]


def test_aws_is_addressed_by_host_and_other_servers_by_path() -> None:
    aws = connect("", "eu-west-1", DEFAULTS)
    other = connect("http://s3.local:9000", "us-east-1", DEFAULTS)

    assert url_of(aws).startswith("https://media.s3.")
    assert url_of(other) == "http://s3.local:9000/media/k"
    assert aws.meta.config.request_checksum_calculation == "when_supported"
    assert other.meta.config.request_checksum_calculation == "when_required"


def test_settings_reach_the_client(
    monkeypatch: pytest.MonkeyPatch, clean_environment: None, tmp_path: Path
) -> None:
    (tmp_path / "ca.pem").write_text("")
    for name, value in {
        "ADDRESSING": "virtual",
        "CA_FILE": str(tmp_path / "ca.pem"),
        "CHECKSUMS": "on",
        "MAX_ATTEMPTS": "3",
        "N_PARALLEL": "4",
        "PART_BYTES": str(6 << 20),
    }.items():
        monkeypatch.setenv(f"SLUICE_S3_{name}", value)
    options = load_settings().s3

    client = connect("https://s3.local", "eu-central-1", options)
    transfers = make_transfers(client, options, threshold_bytes=1)

    config = client.meta.config
    assert url_of(client) == "https://media.s3.local/k"
    assert config.retries == {"mode": "adaptive", "total_max_attempts": 3}
    assert config.request_checksum_calculation == "when_supported"
    assert config.max_pool_connections >= 2 * 4
    assert client.meta.region_name == "eu-central-1"
    assert client._endpoint.http_session._verify == str(tmp_path / "ca.pem")
    assert transfers.config.multipart_chunksize == 6 << 20
    assert transfers.config.max_request_concurrency == 4


def test_tls_is_verified_unless_told_otherwise() -> None:
    trusting = connect("", "us-east-1", S3Settings.model_construct(verify_tls=False))

    assert trusting._endpoint.http_session._verify is False
    assert connect("", "us-east-1", DEFAULTS)._endpoint.http_session._verify is True


def test_an_endpoint_that_is_no_url_is_a_wrong_setting() -> None:
    with pytest.raises(ConfigurationError, match="SLUICE_S3_ENDPOINT"):
        connect("s3.local:9000", "us-east-1", DEFAULTS)


@pytest.mark.parametrize(("found", "is_refused"), [('"e1"', False), ('"e2"', True)])
def test_an_answer_with_another_etag_is_refused(found: str, is_refused: bool) -> None:  # noqa: FBT001
    """Of a server that does not know `If-Match`; its bytes are left unread, its connection not."""
    client = connect("http://s3.local", "us-east-1", DEFAULTS)
    body = BytesIO(b"bytes")
    answer = {"ETag": found, "Body": body}
    client.meta.events.register("before-call.s3.GetObject", lambda **_: (Answer(), answer))

    class Answer:
        status_code = 200

    def get() -> None:
        client.get_object(Bucket="b", Key="k", IfMatch='"e1"')

    if is_refused:
        with pytest.raises(ObjectChanged, match="s3://b/k: found etag"):
            get()
    else:
        get()
    assert body.closed == is_refused
