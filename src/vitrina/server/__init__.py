"""The online side: a thin skin over the engine that speaks gRPC, and the processes around it.

service.py     request bytes -> answer bytes; knows no transport
wire.py        messages <-> dataclasses, and the bounds of every field
token.py       what was shown, signed: attribution and scrolling on
front_grpc.py  the service on grpc.aio; admission.py says how much work it takes on
current.py     the engine that answers now, and its replacement by a newer bundle
worker.py      one process; workers.py keeps several of them on one port
metrics.py     Prometheus; log.py, one JSON line each
"""
