"""What Envoy is told: its ports, the limits of connections, TLS, and what it makes of gRPC-Web and JSON.

Documented at https://www.envoyproxy.io/docs/envoy/latest/api-v3/api.
"""

from __future__ import annotations

import base64
from pathlib import Path
from typing import Any

from google.protobuf.descriptor_pb2 import FileDescriptorSet
from google.rpc import error_details_pb2

from vitrina.server.calls import AUDIENCES, CATALOGUE, EVENTS, NAME
from vitrina.server.options import Options
from vitrina.server.service import MAX_BATCH_BYTES
from vitrina.v1 import (
    audience_service_pb2,
    catalog_service_pb2,
    event_service_pb2,
    recommendation_service_pb2,
)

Config = dict[str, Any]

_EXTENSIONS = "type.googleapis.com/envoy.extensions."
_FILES = (
    recommendation_service_pb2,
    event_service_pb2,
    catalog_service_pb2,
    audience_service_pb2,
    error_details_pb2,
)
_NOWHERE = "nowhere"
_ASKED = "content-type,authorization,x-grpc-web,x-user-agent,grpc-timeout"
_TOLD = "grpc-status,grpc-message,grpc-status-details-bin"


def bootstrap(options: Options, port: int, folder: Path, module: Config) -> Config:
    """The whole configuration. `module`: the filter that runs Python; `folder`: where the admin socket and
    the TLS files lie."""
    ports = [_listener("calls", options, port, folder, module)]
    if options.health_port:
        ports.append(_listener("health", options, options.health_port, folder, module, encrypted=False))
    return {
        "node": {"id": "vitrina", "cluster": "vitrina"},  # watched files ask for a name
        "admin": {"address": {"pipe": {"path": str(folder / "admin"), "mode": 0o600}}},
        "static_resources": {"listeners": ports, "clusters": [{"name": _NOWHERE, "type": "STATIC"}]},
    }


def secrets(folder: Path, *, mutual: bool) -> dict[str, Config]:
    """What names the server's certificate and key and, for mutual TLS, the clients' signer: two files."""
    pair = {"certificate_chain": _file(folder / "cert"), "private_key": _file(folder / "key")}
    found: dict[str, Config] = {"server": {"tls_certificate": pair}}
    if mutual:
        found["clients"] = {"validation_context": {"trusted_ca": _file(folder / "client_ca")}}
    kind = {"@type": f"{_EXTENSIONS}transport_sockets.tls.v3.Secret"}
    return {name: {"resources": [{**kind, "name": name, **one}]} for name, one in found.items()}


def _file(path: Path) -> Config:
    return {"filename": str(path)}


def _listener(
    name: str, options: Options, port: int, folder: Path, module: Config, *, encrypted: bool = True
) -> Config:
    chain: Config = {"filters": [_typed("network.http_connection_manager", _http(options, module))]}
    if encrypted and options.tls_cert:
        chain["transport_socket"] = _tls(options, folder)
    return {
        "name": name,
        "address": {"socket_address": {"address": options.host, "port_value": port}},
        "filter_chains": [chain],
        "per_connection_buffer_limit_bytes": MAX_BATCH_BYTES,
    }


def _http(options: Options, module: Config) -> Config:
    route: Config = {"name": "all", "domains": ["*"]}
    # Nothing is routed: the last filter answers. But only a route to somewhere can carry a policy of origins.
    route["routes"] = [{"match": {"prefix": "/"}, "route": {"cluster": _NOWHERE}}]
    if options.web_origins:
        route["typed_per_filter_config"] = {"envoy.filters.http.cors": _origins(options.web_origins)}
    return {
        "@type": f"{_EXTENSIONS}filters.network.http_connection_manager.v3.HttpConnectionManager",
        "stat_prefix": "vitrina",
        "route_config": {"virtual_hosts": [route]},
        "http_filters": [_filter("cors", "Cors"), _filter("grpc_web", "GrpcWeb"), _json(), module],
        "generate_request_id": False,
        "max_request_headers_kb": 16,
        "request_timeout": "60s",
        "stream_idle_timeout": "360s",
        "drain_timeout": "1s",
        # SO_REUSEPORT spreads connections, not calls: those that live for ever never even out.
        "common_http_protocol_options": {"max_connection_duration": "300s"},
        "http2_protocol_options": {
            "max_concurrent_streams": 100,
            "initial_stream_window_size": 1 << 18,
            "initial_connection_window_size": 1 << 20,
        },
    }


def _json() -> Config:
    """POST /vitrina.v1.RecommendationService/Recommend with a JSON message: the same call."""
    config = {
        "proto_descriptor_bin": base64.b64encode(_descriptors().SerializeToString()).decode(),
        "services": [NAME, EVENTS, CATALOGUE, AUDIENCES],
        "auto_mapping": True,
        "convert_grpc_status": True,
        "print_options": {"preserve_proto_field_names": False},
        "request_validation_options": {"reject_unknown_method": False},
        "max_request_body_size": MAX_BATCH_BYTES,
        "max_response_body_size": 4 * MAX_BATCH_BYTES,
    }
    return _filter("grpc_json_transcoder", "GrpcJsonTranscoder", config)


def _descriptors() -> FileDescriptorSet:
    """The descriptors of our services and of what they import, those first."""
    found: dict[str, Any] = {}

    def add(file: Any) -> None:
        for one in file.dependencies:
            add(one)
        found.setdefault(file.name, file)

    for module in _FILES:
        add(module.DESCRIPTOR)
    every = FileDescriptorSet()
    for file in found.values():
        file.CopyToProto(every.file.add())
    return every


def _origins(origins: tuple[str, ...]) -> Config:
    return {
        "@type": f"{_EXTENSIONS}filters.http.cors.v3.CorsPolicy",
        "allow_origin_string_match": [{"exact": one} for one in origins],
        "allow_methods": "POST",
        "allow_headers": _ASKED,
        "expose_headers": _TOLD,
        "max_age": "86400",
    }


def _tls(options: Options, folder: Path) -> Config:
    def named(name: str) -> Config:
        return {"name": name, "sds_config": {"path_config_source": {"path": str(folder / f"{name}.json")}}}

    context: Config = {
        "alpn_protocols": ["h2", "http/1.1"],
        "tls_certificate_sds_secret_configs": [named("server")],
    }
    if options.tls_client_ca:
        context["validation_context_sds_secret_config"] = named("clients")
    config = {
        "@type": f"{_EXTENSIONS}transport_sockets.tls.v3.DownstreamTlsContext",
        "common_tls_context": context,
        "require_client_certificate": bool(options.tls_client_ca),
    }
    return {"name": "envoy.transport_sockets.tls", "typed_config": config}


def _filter(name: str, kind: str, config: Config | None = None) -> Config:
    return _typed(f"http.{name}", {"@type": f"{_EXTENSIONS}filters.http.{name}.v3.{kind}", **(config or {})})


def _typed(name: str, config: Config) -> Config:
    return {"name": f"envoy.filters.{name}", "typed_config": config}
