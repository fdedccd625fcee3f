"""Batches in the form in which they travel (``am_proto/telemetry.proto``). Loads protobuf."""

from am_telemetry.wire.columns import clean
from am_telemetry.wire.decoding import Decoder, decode
from am_telemetry.wire.encoding import encode
from am_telemetry.wire.limits import MAX_MESSAGE_BYTES, PROTO_VERSION, WireError

__all__ = ["MAX_MESSAGE_BYTES", "PROTO_VERSION", "Decoder", "WireError", "clean", "decode", "encode"]
