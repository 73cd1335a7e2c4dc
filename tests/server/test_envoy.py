"""What cannot be served inside Envoy is said before anything starts."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from vitrina.errors import ServerError
from vitrina.server.envoy import check
from vitrina.server.options import Options
from vitrina.server.workers import serve


def test_the_front_needs_its_extra(monkeypatch):
    """Without its packages the server names them, and the other front."""
    monkeypatch.setitem(sys.modules, "pyvoy", None)
    with pytest.raises(ServerError, match=r"vitrina\[envoy\].*--front grpc"):
        check(Options(Path("unused"), front="envoy"))


def test_what_it_does_not_serve():
    """Reflection is grpcio's, pages of browsers are Envoy's, and other fronts are nobody's."""
    pytest.importorskip("pyvoy", reason="the front envoy is an extra")
    for options, words in (
        ({"front": "envoy", "reflection": True}, "drop --reflection"),
        ({"web_origins": ("https://shop.example",)}, "give --front envoy"),
        ({"front": "nginx"}, "grpc or envoy"),
    ):
        with pytest.raises(ServerError, match=words):
            serve(Options(Path("unused"), **options))
