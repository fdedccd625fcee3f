"""One connection to a hub: a gRPC stream with a thread that reads what the hub answers. Loads gRPC when it is used."""

from __future__ import annotations

import queue
import socket
import threading
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Final

from am_telemetry.settings import split_address

if TYPE_CHECKING:
    import grpc

    from am_proto import telemetry_pb2 as pb

STREAM: Final = "/amdbg.v1.Collector/Stream"
PUSH: Final = "/amdbg.v1.Collector/Push"

CHANNEL_OPTIONS: Final = (
    ("grpc.enable_http_proxy", 0),
    ("grpc.use_local_subchannel_pool", 1),
    ("grpc.max_receive_message_length", 4 * 1024 * 1024),
    ("grpc.max_send_message_length", 4 * 1024 * 1024),
)
PROBE_TIMEOUT: Final = 2.0


class LinkError(Exception):
    """The connection could not be made, or is gone; the text says why."""


class ThreadsUnavailableError(LinkError):
    """The interpreter starts no more threads, because it is shutting down."""


def probe(address: str) -> str:
    """Find out cheaply whether anybody listens, before gRPC is loaded and its machinery started.

    Returns:
        The gRPC target of the network address that answered.

    Raises:
        LinkError: nobody does.
    """
    host, port = split_address(address)
    try:
        with socket.create_connection((host, port), timeout=PROBE_TIMEOUT) as answered:
            family, peer = answered.family, answered.getpeername()
    except OSError as error:
        raise LinkError(error.strerror or str(error)) from error
    return f"ipv6:[{peer[0]}]:{port}" if family == socket.AF_INET6 else f"ipv4:{peer[0]}:{port}"


def open_channel(target: str) -> grpc.Channel:
    """A plaintext channel that ignores proxies and shares nothing with the program's own channels."""
    import grpc

    return grpc.insecure_channel(target, options=CHANNEL_OPTIONS)


class Link:
    """A stream. Used by one thread; ``inbox`` is filled by another.

    Args:
        target: as :func:`probe` returned it.
        hello: the first frame, serialised.
        wake: called when the inbox has something new.

    Raises:
        ThreadsUnavailableError: the interpreter is shutting down.
    """

    def __init__(self, target: str, hello: bytes, wake: Callable[[], None]) -> None:
        from am_proto import telemetry_pb2 as pb

        self.inbox: queue.SimpleQueue[pb.HubFrame | LinkError] = queue.SimpleQueue()
        """Frames of the hub, then a LinkError when the stream has ended."""
        self._outbox: queue.SimpleQueue[bytes | None] = queue.SimpleQueue()
        self._outbox.put(hello)
        self._wake = wake
        self._ready = threading.Event()
        self._call: Iterator[pb.HubFrame] | None = None
        # Started first: where no thread can be started, gRPC must not be left half-way through a call.
        reader = threading.Thread(target=self._read, name="am-telemetry-reader", daemon=True)
        try:
            reader.start()
        except RuntimeError as error:
            raise ThreadsUnavailableError(str(error)) from error
        try:
            self._channel = open_channel(target)
            stream: grpc.StreamStreamMultiCallable[bytes, pb.HubFrame] = self._channel.stream_stream(
                STREAM, request_serializer=None, response_deserializer=pb.HubFrame.FromString
            )
            self._call = stream(iter(self._outbox.get, None))
        except RuntimeError as error:
            raise ThreadsUnavailableError(str(error)) from error
        finally:
            self._ready.set()

    def send(self, frame: bytes) -> None:
        """Queue a serialised ``ClientFrame``; returns at once."""
        self._outbox.put(frame)

    def finish(self) -> None:
        """Say that nothing more will be sent; the hub answers what is open and ends the stream."""
        self._outbox.put(None)

    def close(self) -> None:
        """Let go of everything at once."""
        self._outbox.put(None)
        self._channel.close()

    def _read(self) -> None:
        import grpc

        self._ready.wait()
        reason = "the hub ended the stream"
        try:
            for frame in self._call or ():
                self.inbox.put(frame)
                self._wake()
        except grpc.RpcError as error:
            reason = _describe(error)
        except Exception as error:  # noqa: BLE001  # whatever ends the reader must reach the owner of the link
            reason = f"{type(error).__name__}: {error}"
        self.inbox.put(LinkError(reason))
        self._wake()


def _describe(error: Exception) -> str:
    import grpc

    if isinstance(error, grpc.Call):
        return f"{error.code().name}: {error.details() or 'no details'}"
    return type(error).__name__


def push(target: str, request: bytes, timeout: float) -> list[pb.HubFrame]:
    """Send frames in one blocking call that needs no thread.

    Raises:
        LinkError: no answer within ``timeout`` seconds, or a refusal.
    """
    import grpc

    from am_proto import telemetry_pb2 as pb

    channel = open_channel(target)
    try:
        call: grpc.UnaryUnaryMultiCallable[bytes, pb.PushReply] = channel.unary_unary(
            PUSH, request_serializer=None, response_deserializer=pb.PushReply.FromString
        )
        return list(call(request, timeout=timeout).frames)
    except grpc.RpcError as error:
        raise LinkError(_describe(error)) from error
    finally:
        channel.close()
