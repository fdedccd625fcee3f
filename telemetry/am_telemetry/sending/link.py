"""One connection to a hub: a gRPC stream with a thread that reads what the hub answers. Loads gRPC when it is used."""

from __future__ import annotations

import queue
import socket
import threading
from collections.abc import Callable, Iterator
from functools import cache
from importlib import import_module
from typing import TYPE_CHECKING, Final

from am_telemetry.endpoints import parse_endpoint
from am_telemetry.sending.route import LinkError, Route, tls_probe
from am_telemetry.settings import Security

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
    ("grpc.http2.bdp_probe", 0),  # costs a message there and one back for every answer
)
PROBE_TIMEOUT: Final = 2.0


class ThreadsUnavailableError(LinkError):
    """The interpreter starts no more threads, because it is shutting down."""


def probe(address: str, security: Security) -> Route:
    """Find out cheaply whether anybody listens, before gRPC is loaded and its machinery started.

    Returns:
        How gRPC reaches the network address that answered.

    Raises:
        TlsRejectedError: one side does not trust the other.
        LinkError: nobody listens.
    """
    endpoint = parse_endpoint(address)
    if endpoint.kind == "unix":
        return _probe_socket(endpoint.path)
    host, port = endpoint.host, endpoint.port
    try:
        with socket.create_connection((host, port), timeout=PROBE_TIMEOUT) as answered:
            family, peer = answered.family, answered.getpeername()
            if endpoint.kind == "tls":
                tls_probe(answered, host, security)
    except OSError as error:
        raise LinkError(error.strerror or str(error)) from error
    target = f"ipv6:[{peer[0]}]:{port}" if family == socket.AF_INET6 else f"ipv4:{peer[0]}:{port}"
    return Route(target, security, host if endpoint.kind == "tls" else "")


def _probe_socket(path: str) -> Route:
    if not hasattr(socket, "AF_UNIX"):
        raise LinkError("this system has no Unix sockets")
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as one:
            one.settimeout(PROBE_TIMEOUT)
            one.connect(path)
    except OSError as error:
        raise LinkError(error.strerror or str(error)) from error
    return Route(f"unix:{path}", Security())


@cache
def _keep_grpc_up() -> object:
    """Something that gRPC lives for, also while no channel is open.

    With its last object gRPC tears itself down on a thread of its own, holding the lock that a first object needs. A
    process that forks meanwhile leaves its child with that lock, and the child hangs, GIL included, as soon as it opens
    a channel. That is just what closing a channel before a fork would lead to.
    """
    lives_for: object = import_module("grpc._cython.cygrpc").CompletionQueue()
    return lives_for


def open_channel(route: Route) -> grpc.Channel:
    """A channel that ignores proxies and shares nothing with the program's own channels."""
    import grpc

    _keep_grpc_up()
    if not route.tls_host:
        return grpc.insecure_channel(route.target, options=CHANNEL_OPTIONS)
    credentials = grpc.ssl_channel_credentials(*route.pem_files())
    # The certificate is for the name that was asked for, not for the network address it stands for.
    options = (*CHANNEL_OPTIONS, ("grpc.ssl_target_name_override", route.tls_host))
    return grpc.secure_channel(route.target, credentials, options=options)


class Link:
    """A stream. Used by one thread; ``inbox`` is filled by another.

    Args:
        route: as :func:`probe` returned it.
        hello: the first frame, serialised.
        wake: called when the inbox has something new.

    Raises:
        ThreadsUnavailableError: the interpreter is shutting down.
    """

    def __init__(self, route: Route, hello: bytes, wake: Callable[[], None]) -> None:
        from am_proto import telemetry_pb2 as pb

        self.inbox: queue.SimpleQueue[pb.HubFrame | LinkError] = queue.SimpleQueue()
        """Frames of the hub, then a LinkError when the stream has ended."""
        self._outbox: queue.SimpleQueue[bytes | None] = queue.SimpleQueue()
        self._outbox.put(hello)
        self._wake = wake
        self._may_want_tls = not route.tls_host and not route.target.startswith("unix:")
        self._ready = threading.Event()
        self._call: Iterator[pb.HubFrame] | None = None
        # Started first: where no thread can be started, gRPC must not be left half-way through a call.
        self._reader = threading.Thread(target=self._read, name="am-telemetry-reader", daemon=True)
        try:
            self._reader.start()
        except RuntimeError as error:
            raise ThreadsUnavailableError(str(error)) from error
        try:
            self._channel = open_channel(route)
            stream: grpc.StreamStreamMultiCallable[bytes, pb.HubFrame] = self._channel.stream_stream(
                STREAM, request_serializer=None, response_deserializer=pb.HubFrame.FromString
            )
            self._call = stream(iter(self._outbox.get, None), metadata=route.metadata)
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

    def join(self, timeout: float) -> None:
        """Wait for the end of everything that :meth:`close` has ended; seconds."""
        self._reader.join(timeout)

    def _read(self) -> None:
        import grpc

        from am_proto import telemetry_pb2 as pb

        self._ready.wait()
        reason = "the hub ended the stream"
        heard = False
        try:
            for frame in self._call or ():
                heard = True
                self.inbox.put(frame)
                self._wake()
        except grpc.RpcError as error:
            reason = _describe(error)
            if not heard and self._may_want_tls and "Socket closed" in reason:
                reason += " (if that hub speaks TLS, put tls:// in front of its address)"
            if _is_refusal(error):
                self.inbox.put(pb.HubFrame(go_away=pb.GoAway(reason=reason, final=True)))
        except Exception as error:  # noqa: BLE001  # whatever ends the reader must reach the owner of the link
            reason = f"{type(error).__name__}: {error}"
        self.inbox.put(LinkError(reason))
        self._wake()


def _describe(error: Exception) -> str:
    import grpc

    if isinstance(error, grpc.Call):
        return f"{error.code().name}: {error.details() or 'no details'}"
    return type(error).__name__


def _is_refusal(error: Exception) -> bool:
    """Whether the hub, or something in front of it, will say the same next time."""
    import grpc

    final = (grpc.StatusCode.UNAUTHENTICATED, grpc.StatusCode.PERMISSION_DENIED)
    return isinstance(error, grpc.Call) and error.code() in final


def push(route: Route, request: bytes, timeout: float) -> list[pb.HubFrame]:
    """Send frames in one blocking call that needs no thread.

    Raises:
        LinkError: no answer within ``timeout`` seconds, or a refusal.
    """
    import grpc

    from am_proto import telemetry_pb2 as pb

    channel = open_channel(route)
    try:
        call: grpc.UnaryUnaryMultiCallable[bytes, pb.PushReply] = channel.unary_unary(
            PUSH, request_serializer=None, response_deserializer=pb.PushReply.FromString
        )
        return list(call(request, timeout=timeout, metadata=route.metadata).frames)
    except grpc.RpcError as error:
        raise LinkError(_describe(error)) from error
    finally:
        channel.close()
