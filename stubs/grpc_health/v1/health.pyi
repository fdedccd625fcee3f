from typing import Any

from grpc_health.v1.health_pb2 import HealthCheckResponse

class _AioHealthServicer:
    async def Check(self, request: Any, context: Any) -> HealthCheckResponse: ...
    async def set(self, service: str, status: int) -> None: ...
    async def enter_graceful_shutdown(self) -> None: ...

class _Aio:
    HealthServicer: type[_AioHealthServicer]

aio: _Aio
