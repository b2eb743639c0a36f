"""gRPC's library, silent: what it would write to stderr comes as an error, too, and is said once, by whoever handles it."""

import os

os.environ.setdefault("GRPC_VERBOSITY", "NONE")  # read when it is imported

import grpc

__all__ = ["grpc"]
