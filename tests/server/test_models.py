"""ModelService from bytes to bytes: every bundle with its state, every worker, turning, refusals."""

from __future__ import annotations

import pytest
from servers import publish

from vitrina.errors import BundleCorrupt, InvalidRequest, Malformed, RegistryError
from vitrina.registry import Registry
from vitrina.server.models import Models
from vitrina.v1 import model_service_pb2 as v1


@pytest.fixture
def registry(tmp_path):
    """A registry with two bundles, the second current."""
    publish(tmp_path, n_items=7)
    publish(tmp_path, n_items=11)
    return Registry(tmp_path)


def worker(version, refused="", reason=""):
    """What a worker says of itself."""
    return {
        "pid": 4, "version": version, "placements": "p-1", "since": 5, "refused": refused, "reason": reason
    }  # fmt: skip


def listed(registry, states):
    """A ListModelsResponse."""
    return v1.ListModelsResponse.FromString(Models(registry).list_models(b"", states))


def states(answer):
    """The state of each bundle by version."""
    return {one.version: v1.ModelState.Name(one.state).removeprefix("MODEL_STATE_") for one in answer.models}


def test_every_bundle_has_its_state(registry):
    """Current and everywhere: SERVING; not yet everywhere: LOADING; others: AVAILABLE."""
    old, new = registry.history()
    answer = listed(registry, {0: worker(new), 1: worker(new)})
    assert (answer.current_version, states(answer)) == (new, {old: "AVAILABLE", new: "SERVING"})
    assert states(listed(registry, {0: worker(new), 1: worker(old)}))[new] == "LOADING"
    assert states(listed(registry, {}))[new] == "LOADING"
    assert all(one.created_time > 0 and one.size_bytes > 0 for one in answer.models)


def test_a_refused_bundle_is_marked_with_its_reason(registry):
    """One worker would not take it: FAILED, with the worker's sentence, at the bundle and at the worker."""
    old, new = registry.history()
    answer = listed(registry, {0: worker(new), 1: worker(old, new, "part catalog/price has changed")})
    assert states(answer)[new] == "FAILED"
    assert [one.reason for one in answer.models if one.reason] == ["part catalog/price has changed"]
    assert (answer.workers[1].version, answer.workers[1].refused_version) == (old, new)
    assert answer.workers[1].refused_reason == "part catalog/price has changed"


def test_a_bundle_that_does_not_open_is_marked(registry):
    """Nobody tried it, but its manifest is broken: FAILED, and the others are listed all the same."""
    old, new = registry.history()
    (registry.path(old) / "manifest.json").chmod(0o644)
    (registry.path(old) / "manifest.json").write_text("{")
    answer = listed(registry, {0: worker(new)})
    assert states(answer) == {old: "FAILED", new: "SERVING"}
    assert next(one.reason for one in answer.models if one.version == old).startswith(f"bundle {old}")


def test_activating_and_rolling_back(registry):
    """Activate names what is current; a roll back that is repeated goes back once."""
    old, new = registry.history()
    models = Models(registry)
    models.activate_model(v1.ActivateModelRequest(version=old).SerializeToString(), {})
    assert registry.current() == old
    models.activate_model(v1.ActivateModelRequest(version=new).SerializeToString(), {})
    back = v1.RollBackModelRequest(from_version=new).SerializeToString()
    for _ in range(2):
        answer = v1.RollBackModelResponse.FromString(models.roll_back_model(back, {}))
        assert answer.current_version == registry.current() == old


def test_what_cannot_be_made_current_is_refused(registry):
    """Unknown, broken or no message: nothing changes."""
    old, new = registry.history()
    models = Models(registry)
    part = registry.path(old) / "catalog" / "price.npy"
    part.chmod(0o644)
    part.write_bytes(part.read_bytes()[:-1] + b"\x07")
    cases = ((b"\xff\xff", Malformed), (b"\x0a\x03abc", RegistryError), (b"", InvalidRequest))
    for data, kind in cases:
        with pytest.raises(kind):
            models.activate_model(data, {})
    with pytest.raises(BundleCorrupt):
        models.activate_model(v1.ActivateModelRequest(version=old).SerializeToString(), {})
    assert registry.current() == new
