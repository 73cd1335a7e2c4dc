"""Manifests that are sealed, and make no sense: formats of the future, fields of other kinds."""

from __future__ import annotations

import json
import os
import shutil

import pytest
from forged import forge, forge_text, manifest, refused
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from vitrina import bundle, probes
from vitrina.bundle.manifest import seal
from vitrina.engine import Engine
from vitrina.errors import BundleCorrupt, BundleTooNew, VitrinaError


@pytest.mark.parametrize("version", [2, 3, 1000, 2**70])
def test_formats_of_the_future(stored, version):
    """Whatever else a later manifest says, the sentence is: upgrade."""
    path = forge_text(stored, json.dumps({"format": version, "sections": []}))
    assert "upgrade" in refused(path, BundleTooNew, bundle.read)


def test_a_damaged_format_is_damage(stored):
    """A byte flipped in the number of the format is no reason to upgrade."""
    file = stored / bundle.MANIFEST
    file.write_bytes(file.read_bytes().replace(b'"format": 1', b'"format": 9'))
    refused(stored, BundleCorrupt)


TEXTS = {
    "empty": b"",
    "null": b"null",
    "list": b"[]",
    "text": b'"manifest"',
    "no json": b"{'format': 1}",
    "two": b"{}{}",
    "not a number": b'{"format": 1, "created": NaN}',
    "infinity": b'{"format": 1e999}',
    "negative": b'{"format": -1}',
    "truth": b'{"format": true}',
    "fraction": b'{"format": 1.5}',
    "digits": b'{"format": ' + b"9" * 5000 + b"}",
    "deep": b"[" * 100_000,
    "deep object": b'{"a":' * 50_000,
    "utf-16": '{"format": 1}'.encode("utf-16"),
    "latin-1": b'{"format": 1, "vitrina": "\xff"}',
    "surrogate": b'{"format": 1, "vitrina": "\\ud800"}',
    "pickle": b"\x80\x04}.",
}


@pytest.mark.parametrize("text", TEXTS.values(), ids=TEXTS.keys())
def test_what_is_no_manifest(stored, text):
    """Anything else under the manifest's name and a good seal is refused by a sentence."""
    (stored / bundle.MANIFEST).write_bytes(text)
    (stored / bundle.SEAL).write_bytes(seal(text))
    refused(stored, BundleCorrupt, bundle.read)
    refused(stored, BundleCorrupt)


@pytest.mark.parametrize("figure", [float("nan"), float("inf")])
def test_figures_that_json_does_not_know(stored, figure):
    """NaN and Infinity, which Python's own parser would take, in a field that nothing else looks at."""
    assert "is not JSON" in refused(forge(stored, metrics={"ndcg": figure}), BundleCorrupt, bundle.read)


def test_a_manifest_too_large_to_read(stored):
    """Its size is looked at before a byte of it is read."""
    os.truncate(stored / bundle.MANIFEST, bundle.MAX_MANIFEST_BYTES + 1)
    assert "has over" in refused(stored, BundleCorrupt, bundle.read)


@pytest.mark.parametrize("created", [-(10**30), 10**30, 2**63])
def test_moments_beyond_time(stored, created):
    """A time that no calendar has."""
    path = forge(stored, created=created)
    with pytest.raises(VitrinaError):
        bundle.verify(path)


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)


def places(found, above=()):
    """The way to everything in a manifest."""
    yield above
    steps = found.items() if isinstance(found, dict) else enumerate(found) if isinstance(found, list) else ()
    for step, below in steps:
        yield from places(below, (*above, step))


def put(found, way, value):
    """The manifest with something else at one place."""
    for step in way[:-1]:
        found = found[step]
    found[way[-1]] = value


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_any_value_anywhere(plain, tmp_path_factory, data):
    """One place of a manifest holds something else, all hashes forged: refused by a sentence, or it answers."""
    path = shutil.copytree(plain, tmp_path_factory.mktemp("forged") / plain.name)
    found = manifest(path)
    top = data.draw(st.sampled_from(sorted(found)))
    way = data.draw(st.sampled_from(list(places(found[top], (top,)))))
    put(found, way, data.draw(values))
    path = forge_text(path, json.dumps(found))
    said = "it answers"
    try:
        probes.replay(Engine.of(bundle.verify(path)))
    except VitrinaError as reason:
        said = str(reason)
    finally:
        shutil.rmtree(path.parent)
    assert said
