"""Every method of every service, by their descriptors, and a server of each to send bytes to."""

from __future__ import annotations

import importlib
import pkgutil
from contextlib import ExitStack, contextmanager

import grpc
from grpc_health.v1 import health_pb2
from servers import NOW, looping, publish, start

import vitrina.v1
from shops import make_shop, make_window
from vitrina.audience.plan import parse_plan
from vitrina.registry import Registry
from vitrina.server.admin import Desk
from vitrina.server.audiences import Audiences
from vitrina.server.items import Updater
from vitrina.server.models import Models
from vitrina.server.privacy import Privacy
from vitrina.state.lmdb_store import LmdbStore

CODES = grpc.StatusCode
FILES = [
    importlib.import_module(f"vitrina.v1.{one.name}") for one in pkgutil.iter_modules(vitrina.v1.__path__)
]
SERVICES = [
    one
    for file in [*(one for one in FILES if one.__name__.endswith("_pb2")), health_pb2]
    for one in file.DESCRIPTOR.services_by_name.values()
]
METHODS = {f"/{one.full_name}/{method.name}": method for one in SERVICES for method in one.methods}


@contextmanager
def attended(registry, access=None):
    """A channel to a server of each service, by its name; all behind one access, if there is any."""
    publish(registry)
    with ExitStack() as stack:
        loop = stack.enter_context(looping())
        front, address = start(loop, access=access, log_calls=False)
        engine = make_window(
            make_shop([("ann", "i0", 1)]), {"all": [0]}, {"p": {"sources": [{"strategy": "all"}]}}
        )
        plan = parse_plan({"welcome": {"placement": "p"}})
        front.calls.audiences = Audiences(lambda: engine, plan)
        store = LmdbStore(registry / "store", create=True, map_bytes=1 << 20)
        stack.callback(store.close)
        front.calls.store = front.calls.recorder.store = store
        front.calls.updater = Updater(store)

        async def make():
            privacy = Privacy(store, registry / "store", lambda: NOW)
            desk = Desk(Models(Registry(registry)), access, privacy)
            port = desk.server.add_insecure_port("127.0.0.1:0")
            await desk.server.start()
            return desk, port

        desk, port = loop.do(make())
        pages = stack.enter_context(grpc.insecure_channel(address))
        operators = stack.enter_context(grpc.insecure_channel(f"127.0.0.1:{port}"))
        yield {
            "vitrina.v1.RecommendationService": pages,
            "vitrina.v1.AudienceService": pages,
            "vitrina.v1.CatalogService": pages,
            "vitrina.v1.EventService": pages,
            "grpc.health.v1.Health": pages,
            "vitrina.v1.ModelService": operators,
            "vitrina.v1.PrivacyService": operators,
        }
        loop.do(desk.server.stop(0))
        loop.do(front.drain())


def send(channels, path, data, timeout=10.0, **options):
    """Send bytes to a method: (code, message); of a stream the first answer counts."""
    method = METHODS[path]
    channel = channels[method.containing_service.full_name]
    try:
        if method.server_streaming:
            call = channel.unary_stream(path)(data, timeout=timeout, **options)
            next(call, None)
            call.cancel()
        else:
            channel.unary_unary(path)(data, timeout=timeout, **options)
    except grpc.RpcError as error:
        return error.code(), error.details() or ""
    return CODES.OK, ""
