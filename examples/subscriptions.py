"""Waiting for a machine, in threads and in asyncio, and work that ends with the state it belongs to.

One machine stands for a connection. A thread waits for messages of one sender, a task works for as long as the
connection lasts, and neither polls.

Run ``am-dbg`` in one terminal and ``AM_DBG_ADDR=1 python examples/subscriptions.py`` in another to watch it.
"""

import asyncio
import threading

import am_telemetry
from am_core import Machine, RawSchema, any_of

am_telemetry.init()

LINK: RawSchema = {
    "Connected": {"remove": ["Closed"]},
    "Message": {"multi": True, "require": ["Connected"]},
    "Closed": {"remove": ["Connected"]},
}


def in_a_thread(link: Machine, said: list[str]) -> None:
    """Block until a message of Bob arrives, whatever comes before."""
    from_bob = link.when_args("Message", sender="bob")
    waiting = threading.Thread(target=lambda: said.append(f"thread: bob wrote {from_bob.wait(5)}"))
    waiting.start()
    link.add("Connected")
    link.add("Message", sender="ann")
    link.add("Message", sender="bob")
    waiting.join()


async def listen(link: Machine, said: list[str]) -> None:
    """Work while connected; the block is left when the connection ends, wherever it is at that moment."""
    async with link.while_active("Connected"):
        said.append("task: listening")
        await asyncio.sleep(3600)
    said.append("task: no longer connected")


async def in_asyncio(link: Machine, said: list[str]) -> None:
    """Wait for the first of two things, with a limit, and see a task end with its state."""
    listening = asyncio.create_task(listen(link, said))
    await asyncio.sleep(0)
    asyncio.get_running_loop().call_later(0.01, link.add, "Closed")
    async with asyncio.timeout(5):
        first = await any_of(link.when("Closed"), link.when_err())
    said.append(f"task: {first.fired[0].text} came first")
    await listening


def main() -> list[str]:
    """Returns what the waiters said, in order."""
    said: list[str] = []
    link = Machine(LINK, id="link")
    in_a_thread(link, said)
    asyncio.run(in_asyncio(link, said))
    context = link.state_ctx("Closed")
    context.on_expire(lambda ctx: said.append(f"context: {ctx.state} is over"))
    late = link.when("Message", ctx=context)
    link.add("Connected")
    said.append(f"waiter: ended by {late.reason}")
    print("\n".join(said))
    return said


if __name__ == "__main__":
    main()
