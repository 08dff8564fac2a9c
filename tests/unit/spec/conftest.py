"""A contract that uses every part of the format: the tests' own, and what it leaves out."""

from __future__ import annotations

import pytest

from tests.own_contract import SPEC_TEXT

_GROUP = "    description: Work that needs no GPU\n"
_GROUP_MORE = """\
    limits: {cpus: 4, memory: 16GiB, shared_memory: 8GiB}
    data:
      mounts:
        - {source: /data/tables, description: Tables}
        - {source: /data/scratch, target: /scratch, writable: true}
      object_stores:
        - {url: s3://team-data, credentials: vault_s3, region: eu-west-1}
        - {url: 's3://minio:9000/data', credentials: vault_minio, secure: false}
"""
_END_MORE = """\
  access:
    groups: {ops: [ada, Grace Hopper]}
    may_run: {training: [ops, alan]}
  environment: extended
  differences: mark
unmanaged:
  queues: [team-b-*]
  workers: [laptop-*]
"""


@pytest.fixture(scope="session")
def full() -> str:
    """The text of a queues.yml with a value for every field of the model."""
    text = SPEC_TEXT.replace(_GROUP, _GROUP + _GROUP_MORE, 1) + _END_MORE
    text = text.replace("fleet/cuda\n", f"fleet/cuda\n    digest: sha256:{16 * '0a1b'}\n", 1)
    return text.replace("    priority: 3\n", "    priority: 3\n    owner: Ada\n", 1)
