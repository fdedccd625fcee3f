"""Asks gRPC callers for the token. The health service is left open: those who watch over a hub carry no token."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import TYPE_CHECKING, Any, Final

import grpc

from am_telemetry.receiving.admission import Credentials, Refusals

if TYPE_CHECKING:
    Context = grpc.aio.ServicerContext[Any, Any]
    Stream = Callable[[AsyncIterator[bytes], Context], Awaitable[None]]
    Unary = Callable[[bytes, Context], Awaitable[bytes]]

DETAILS: Final = "this hub takes records only from programs that send its token; set AM_DBG_TOKEN to it"


class Guard:
    """Wraps the methods of a service.

    Args:
        credentials: with a token.
        refusals: counts who has shown none, or another one.
    """

    def __init__(self, credentials: Credentials, refusals: Refusals) -> None:
        self._credentials = credentials
        self._refusals = refusals

    def stream(self, method: Stream) -> Stream:
        """The same method for those who know the token."""

        async def guarded(requests: AsyncIterator[bytes], context: Context) -> None:
            await self._admit(context)
            await method(requests, context)

        return guarded

    def unary(self, method: Unary) -> Unary:
        """The same method for those who know the token."""

        async def guarded(request: bytes, context: Context) -> bytes:
            await self._admit(context)
            return await method(request, context)

        return guarded

    async def _admit(self, context: Context) -> None:
        """Return, or end the call."""
        shown = [value for key, value in context.invocation_metadata() or () if key == "authorization"]
        if len(shown) == 1 and self._credentials.permit(_text(shown[0])):
            return
        self._refusals.count("calls without the token")
        await context.abort(grpc.StatusCode.UNAUTHENTICATED, DETAILS)


def _text(value: str | bytes) -> str:
    return value if isinstance(value, str) else value.decode("utf-8", "replace")
