"""Every front in turn."""

from __future__ import annotations

import grpc
import pytest
from fronts import fronting


@pytest.fixture(scope="module", params=["grpc", "envoy"])
def front(request):
    """The name of a front."""
    if request.param == "envoy":
        pytest.importorskip("pyvoy", reason="the front envoy is an extra")
    return request.param


@pytest.fixture(scope="module")
def server(front, tmp_path_factory):
    """A front that all may ask."""
    with fronting(front, tmp_path_factory.mktemp(front)) as one:
        yield one


@pytest.fixture(scope="module")
def channel(server):
    """A plain channel to it, no retries."""
    with grpc.insecure_channel(server.address) as one:
        yield one
