"""The online side: a thin skin over the engine that speaks gRPC, and the processes around it.

service.py     request bytes -> answer bytes; knows no transport
wire.py        messages <-> dataclasses, and the bounds of every field
token.py       what was shown, signed: attribution and scrolling on
calls.py       the methods, with deadlines and tallies; admission.py says how much work they take on
gate.py        what is decided about a call before its message is read
front_grpc.py  the calls on gRPC's core; transport.py drives that
front_envoy.py the calls inside Envoy: envoy.py turns a worker's process into one
current.py     the engine that answers now, and its replacement by a newer bundle
work.py        what a worker does beside answering; worker.py, its process; workers.py keeps several on a port
metrics.py     Prometheus; log.py, one JSON line each
"""
