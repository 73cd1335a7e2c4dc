"""Vitrina: train a shop's recommendations offline, serve personal lists over gRPC."""

__version__ = "0.1.0"
