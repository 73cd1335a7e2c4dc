"""The edge: pictures and links of letters, made when they are opened. A process of its own, a client of the
gRPC server; it knows no engine, bundle or store of the shop's, and can be put before the world."""
