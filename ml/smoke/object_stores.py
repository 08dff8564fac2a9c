"""Whether a bucket can be read with the credentials that the node's tasks have."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

from ml.runtime.errors import UserError

_SECONDS = 10


def read_bucket(url: str, region: str = "") -> str:
    """List one object of a bucket.

    Parameters
    ----------
    url : str
        ``s3://BUCKET`` at AWS, ``s3://HOST:PORT/BUCKET`` elsewhere.
    region : str
        At AWS; empty where the contract names none.

    Returns
    -------
    str
        What is there.

    Raises
    ------
    UserError
        The agent's configuration has no credentials for it, or the store refuses or is away.
    """
    from botocore.exceptions import BotoCoreError, ClientError

    where = f"data.object_stores in queues.yml, {url}"
    entry = _entry(url)
    if entry is None:
        raise UserError(
            f"the tasks of this slot have no credentials for {url}",
            where=where,
            mend="run site.yml for the node: its agent's configuration does not name the bucket",
            failure_class="data-access",
        )
    try:
        answer = _client(entry, region).list_objects_v2(Bucket=entry.bucket, MaxKeys=1)
    except ClientError as error:
        said = error.response.get("Error", {})
        raise UserError(
            f"the object store refuses to list {url}: {said.get('Code')} {said.get('Message')}",
            where=where,
            mend="let the credentials in the vault list and read the bucket, and run site.yml; or "
            "correct the bucket's name",
            failure_class="permission",
        ) from None
    except BotoCoreError as error:
        raise UserError(
            f"the object store of {url} does not answer: {error}",
            where=where,
            mend="see whether the node reaches it (name, port, firewall, secure)",
            failure_class="infrastructure",
        ) from None
    return "it can be read" if answer.get("KeyCount") else "it can be read, and is empty"


def _entry(url: str) -> Any:
    """The SDK's entry of a bucket; None where a task has none of its own for it."""
    from clearml.backend_config.bucket_config import S3BucketConfigurations

    known = S3BucketConfigurations.from_config(_settings())
    parts = urlsplit(url)
    path = parts.path.strip("/")
    own = ":" in parts.netloc
    bucket, host = (path, parts.netloc) if own else (parts.netloc, "")
    return known.get_config_by_bucket(bucket, host)


def _settings() -> Any:
    """What the configuration that the agent mounted says of buckets."""
    from clearml.config import config

    return config.get("aws.s3", {})


def _client(entry: Any, region: str) -> Any:
    import boto3
    from botocore.config import Config

    scheme = "https" if entry.secure else "http"
    return boto3.client(
        "s3",
        aws_access_key_id=entry.key,
        aws_secret_access_key=entry.secret,
        region_name=entry.region or region or None,
        endpoint_url=f"{scheme}://{entry.host}" if entry.host else None,
        config=Config(
            connect_timeout=_SECONDS,
            read_timeout=_SECONDS,
            retries={"max_attempts": 1},
            s3={"addressing_style": "path"} if entry.host else None,
        ),
    )
