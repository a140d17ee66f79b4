"""Files to read, made on the spot, and a bucket of S3's."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import boto3
import pytest
from moto.server import ThreadedMotoServer

from heatproxy.lakehouse.streams import DataFile

MakeFile = Callable[..., DataFile]
OBJECTS = {"a/1.csv": b"one", "a/2.csv": b"two", "a b/\u00e4?.csv": b"odd", "z": b"z"}
KEYS = {"AWS_ACCESS_KEY_ID": "tests", "AWS_SECRET_ACCESS_KEY": "tests-secret"}


@pytest.fixture
def make_file(tmp_path: Path) -> MakeFile:
    """``make_file(content, name)`` writes a file and returns it as fetched."""

    def make(content: bytes | str, name: str = "t.csv") -> DataFile:
        data = content.encode() if isinstance(content, str) else content
        path = tmp_path / name
        path.write_bytes(data)
        return DataFile(path, name, len(data))

    return make


@pytest.fixture(scope="module")
def s3() -> Iterator[str]:
    """An S3-compatible store with one bucket; its endpoint."""
    before = {name: os.environ.get(name) for name in KEYS}
    os.environ.update(KEYS)
    server = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    endpoint = f"http://{host}:{port}"
    client = boto3.client("s3", endpoint_url=endpoint, region_name="us-east-1")
    client.create_bucket(Bucket="bkt")
    for name, body in OBJECTS.items():
        client.put_object(Bucket="bkt", Key=name, Body=body)
    client.close()
    yield endpoint
    server.stop()
    for name, value in before.items():
        if value is None:
            del os.environ[name]
        else:
            os.environ[name] = value
