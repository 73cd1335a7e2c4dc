"""The operators' process: `python -m vitrina.server.admin`, started by the supervisor and by nobody else.

It serves ModelService on a port of its own. Its order comes as a line of JSON on standard input, and after
it a line whenever the state of the workers changes. When that input ends, it stops.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from ipaddress import ip_address
from typing import Any

import grpc

from vitrina.errors import Overloaded, ServerError, TimedOut, VitrinaError
from vitrina.registry import Registry
from vitrina.server.access import Access
from vitrina.server.certificates import Certificates
from vitrina.server.door import Door, refuse
from vitrina.server.failures import failure
from vitrina.server.gate import Gate
from vitrina.server.log import say, say_fault
from vitrina.server.metrics import Tallies
from vitrina.server.models import Models, States
from vitrina.server.options import Options, Order, address
from vitrina.server.privacy import Privacy
from vitrina.server.tls import credentials
from vitrina.state.lmdb_store import LmdbStore
from vitrina.state.opening import Opening
from vitrina.v1 import model_service_pb2 as v1
from vitrina.v1 import privacy_service_pb2 as people

PEOPLE: str = people.DESCRIPTOR.services_by_name["PrivacyService"].full_name
NAME: str = v1.DESCRIPTOR.services_by_name["ModelService"].full_name
MAX_BYTES = 1 << 20
"""A placements file of thousands of lines."""
Answer = Callable[[bytes, States], bytes]
_MAX_LINE = 4 << 20
_ANSWER_S = 0.2
"""What is left of a deadline for the answer that it passed."""
_LOOKING = ("ListModels", "GetPlacements")
"""Methods that change nothing, and are not logged."""
_TURNING = ("ActivateModel", "RollBackModel", "ApplyPlacements")
"""Methods that come one after the other: two at once would both walk the same history."""
_WRITING = ("MergeUsers", "ForgetUser")
"""Methods that wait for who writes the store: in a thread of their own, in which nobody else waits."""
_QUEUE = 8
"""How many of those may wait; a fraction of what the port takes, so that operators get through."""
_PATIENCE_S = 600.0
"""How long one waits that was given no deadline: forgetting reads the whole log."""


class Desk:
    """ModelService and PrivacyService on gRPC, behind `access`. `states`: what the workers reported last."""

    def __init__(self, models: Models, access: Access | None = None, privacy: Privacy | None = None) -> None:
        privacy = privacy or Privacy(None, None, lambda: int(time.time()))
        self.access = access or Access(None, time.time, time.monotonic)
        self.states: States = {}
        self.server = grpc.aio.server(
            options=(("grpc.so_reuseport", 0), ("grpc.max_receive_message_length", MAX_BYTES)),
            maximum_concurrent_rpcs=32,
        )
        answers = {
            f"/{NAME}/ListModels": models.list_models,
            f"/{NAME}/ActivateModel": models.activate_model,
            f"/{NAME}/RollBackModel": models.roll_back_model,
            f"/{NAME}/GetPlacements": models.get_placements,
            f"/{NAME}/ApplyPlacements": models.apply_placements,
            f"/{PEOPLE}/MergeUsers": privacy.merge_users,
            f"/{PEOPLE}/ForgetUser": privacy.forget_user,
        }
        paths = {path: self._method(path.rpartition("/")[2], one) for path, one in answers.items()}
        self.server.add_generic_rpc_handlers((Door(paths, Gate(self.access, Tallies())),))
        self._turn = asyncio.Lock()
        self._writers = ThreadPoolExecutor(1, "people")
        self._waiting = 0

    def _method(self, name: str, answer: Callable[[bytes, States], bytes]) -> Any:
        async def call(data: bytes, context: Any) -> bytes:
            try:
                said = await self._answered(name, answer, data, context.time_remaining())
            except Exception as error:
                failed = failure(error)
                if failed.id:
                    say_fault("fault", error, id=failed.id, method=name)
                say("operator refused", method=name, code=failed.name, reason=failed.message)
                await refuse(context, failed)
            if name not in _LOOKING:
                say("operator", method=name)
            return said

        return grpc.unary_unary_rpc_method_handler(call)

    async def _answered(self, name: str, answer: Answer, data: bytes, left_s: float | None) -> bytes:
        if name in _WRITING:
            return await self._written(answer, data, left_s)
        if name in _TURNING:
            async with self._turn:
                return await asyncio.to_thread(answer, data, self.states)
        return await asyncio.to_thread(answer, data, self.states)

    async def _written(self, answer: Answer, data: bytes, left_s: float | None) -> bytes:
        """What is answered once it is on disk. Raises Overloaded and TimedOut where the store is held."""
        if self._waiting >= _QUEUE:
            raise Overloaded(f"{self._waiting} calls wait for the store already; see who holds it, ask again")
        loop = asyncio.get_running_loop()
        work = loop.run_in_executor(self._writers, answer, data, self.states)
        self._waiting += 1
        work.add_done_callback(self._done)
        try:
            patience_s = _PATIENCE_S if left_s is None else max(0.0, left_s - _ANSWER_S)
            return await asyncio.wait_for(asyncio.shield(work), patience_s)
        except TimeoutError:
            raise TimedOut(
                f"it was not on disk within {patience_s:.3g} s: somebody holds the store, or its log is "
                "long. It goes on in its turn; asking again does no harm"
            ) from None

    def _done(self, work: asyncio.Future[bytes]) -> None:
        self._waiting -= 1
        if not work.cancelled():
            work.exception()  # looked at, also where nobody waits any more

    def listen(self, options: Options) -> str:
        """Bind the port, and return its address: on this machine plain, beyond it behind TLS.

        Raises ServerError.
        """
        where, found = address(options.admin_host, options.admin_port), Certificates.of(options)
        here = _here(options.admin_host)
        if not (here or found):
            raise ServerError(
                f"--admin-host {options.admin_host} is reached from elsewhere, and what operators say must "
                "not travel unencrypted; give --tls-cert and --tls-key, or leave it at 127.0.0.1"
            )
        try:
            if here or not found:
                self.server.add_insecure_port(where)
            else:
                self.server.add_secure_port(where, credentials(found))
        except RuntimeError:
            raise ServerError(f"cannot listen on {where}; choose another --admin-port") from None
        return where


async def _serve(order: Order) -> None:
    access = Access(order.options.tokens, time.time, time.monotonic)
    access.open()
    folder = order.options.store
    store = Opening(lambda: LmdbStore(folder)) if folder else None
    privacy = Privacy(store, folder, lambda: int(time.time()))
    desk = Desk(Models(Registry(order.options.registry), order.options.placements), access, privacy)
    where = desk.listen(order.options)
    await desk.server.start()
    _tell(ready=where)
    async for line in await _input():
        desk.states = {int(number): one for number, one in json.loads(line).items()}
    await desk.server.stop(1.0)
    if store:
        store.close()


def _here(host: str) -> bool:
    """Whether an address is reached from this machine alone."""
    try:
        return ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return host == "localhost"


async def _input() -> asyncio.StreamReader:
    reader = asyncio.StreamReader(limit=_MAX_LINE)
    loop = asyncio.get_running_loop()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    return reader


def main() -> int:
    """Read the order, serve until the input ends, and return the exit code."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches the supervisor, which ends our input
    # Unbuffered: what follows the order is read by the loop.
    order = Order.of_json(_line(sys.stdin.fileno()))
    try:
        asyncio.run(_serve(order))
    except VitrinaError as reason:
        _tell(failed=type(reason).__name__, message=str(reason))
        return reason.exit_code
    return 0


def _line(handle: int) -> str:
    read = b""
    while not read.endswith(b"\n") and (byte := os.read(handle, 1)):
        read += byte
    return read.decode()


def _tell(**words: object) -> None:
    sys.stdout.write(json.dumps(words) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    os._exit(main())  # grpcio may hang while the interpreter takes itself down (grpc/grpc#40989)
