"""CREATE MODEL ... FROM 's3://...': the model's file comes from a bucket."""

from collections.abc import Iterator
from contextlib import closing
from urllib.parse import urlsplit

import boto3
import pytest

from heatproxy.dialects.brought import fetched
from heatproxy.errors import MySQLError
from heatproxy.lakehouse.policy import SourcePolicy
from heatproxy.lakehouse.source import Source
from tests.lakehouse import conftest as lakehouse

MODEL = b"tree\nversion=v4\n"

s3 = lakehouse.s3


@pytest.fixture(scope="module")
def policy(s3: str) -> Iterator[SourcePolicy]:
    """What lets the one bucket be read; a model lies in it."""
    # the store outlives its server: what is left in it, the next tests find
    model = {"Bucket": "bkt", "Key": "models/lines.txt"}
    with closing(
        boto3.client("s3", endpoint_url=s3, region_name="us-east-1")
    ) as client:
        client.put_object(**model, Body=MODEL)
        yield SourcePolicy(
            allowed_hosts=(urlsplit(s3).netloc,),
            allowed_buckets=("s3://bkt",),
            s3_endpoint=s3,
        )
        client.delete_object(**model)


def read(policy: SourcePolicy, url: str) -> bytes:
    with Source(policy) as source:
        return fetched(source, url, lambda: False)


@pytest.mark.parametrize("url", ["s3://bkt/models/lines.txt", "s3://bkt/models/"])
def test_the_only_file_there_is_the_model(policy: SourcePolicy, url: str) -> None:
    assert read(policy, url) == MODEL


@pytest.mark.parametrize(
    ("url", "number", "words"),
    [
        ("s3://other/lines.txt", 6067, "other"),
        ("s3://bkt/models/none.txt", 6068, "none.txt"),
        ("s3://bkt/a/", 3877, "there are 2 such files"),
    ],
)
def test_a_url_of_no_one_model_is_refused(
    policy: SourcePolicy, url: str, number: int, words: str
) -> None:
    with pytest.raises(MySQLError) as refused:
        read(policy, url)
    assert (refused.value.number, words in refused.value.message) == (number, True)
    assert "tests-secret" not in refused.value.message
