"""A web crawler that survives losing the network, in asyncio.

What makes crawlers hard is not fetching pages, it is everything that may happen meanwhile: the network goes, pages
fail, new ones are found. Here each of these is a state, and ``Crawling`` is automatic: it is active
whenever it can be. Fetches are tasks of *one activation* of it. When the network goes they are canceled, their pages go
back into the queue, and when it returns the crawl goes on by itself. The function that fetches knows nothing of that.

The pages come from a server in this program.

Run ``am-dbg`` in one terminal and ``AM_DBG_ADDR=1 python examples/web_crawler.py`` in another. Select ``Crawling``:
H and L jump between its activations, and what was fetched in each stands between them.
"""

import asyncio
import re
import threading
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import am_telemetry
from am_core import Event, ExceptionHandler, Machine, State, on
from am_core.states import BasicStates

am_telemetry.init()

SITE = {
    "/": '<a href="/news">news</a> <a href="/slow">slow</a> <a href="/gone">gone</a>',
    "/news": '<a href="/news/1">one</a> <a href="/news/2">two</a> <a href="/">home</a>',
    "/news/1": "rain",
    "/news/2": '<a href="/slow">slow</a>',
    "/slow": '<a href="/end">end</a>',
    "/end": "",
}


class CrawlerStates(BasicStates):
    """Several of them at once: online or not, crawling or not, a page was found, fetched, or failed."""

    Online = State()
    Found = State(multi=True, require=[BasicStates.Start])
    Crawling = State(auto=True, require=[BasicStates.Start, Online])
    Fetched = State(multi=True)
    Failed = State(multi=True)
    Done = State(remove=[Crawling])


class Crawler(ExceptionHandler):
    """Fetches every page of a site once, some at a time."""

    def __init__(self, host: str, port: int, at_a_time: int = 2) -> None:
        self.host, self.port, self.at_a_time = host, port, at_a_time
        self.waiting: list[str] = []
        self.known: set[str] = set()
        self.fetching: set[str] = set()
        self.pages: dict[str, int] = {}
        self.failed: list[str] = []
        self.called_off: list[str] = []
        # Handlers run on the loop, so what they share with tasks needs no lock.
        self.machine = Machine.create(CrawlerStates, [self], id="crawler", runner="loop")

    @on.enter(CrawlerStates.Found)
    def is_new(self, e: Event) -> bool:
        return e.args["path"] not in self.known

    @on.state(CrawlerStates.Found)
    def queue(self, e: Event) -> None:
        self.known.add(e.args["path"])
        self.waiting.append(e.args["path"])
        self.fill(e.machine)

    @on.state(CrawlerStates.Crawling)
    def resume(self, e: Event) -> None:
        self.fill(e.machine)

    def fill(self, machine: Machine) -> None:
        """Start as many fetches as there is room for."""
        if CrawlerStates.Crawling not in machine:
            return
        ctx = machine.state_ctx(CrawlerStates.Crawling)
        while self.waiting and len(self.fetching) < self.at_a_time:
            path = self.waiting.pop(0)
            self.fetching.add(path)
            ctx.run(self.fetch(path)).add_done_callback(partial(self.over, path))

    async def fetch(self, path: str) -> tuple[int, str]:
        """Get one page: its status and text."""
        reader, writer = await asyncio.open_connection(self.host, self.port)
        try:
            writer.write(f"GET {path} HTTP/1.0\r\n\r\n".encode())
            head, _, body = (await reader.read()).decode().partition("\r\n\r\n")
        finally:
            writer.close()
        return int(head.split()[1]), body

    def over(self, path: str, task: asyncio.Task[tuple[int, str]]) -> None:
        """A fetch has ended, or was called off."""
        self.fetching.discard(path)
        if task.cancelled():
            self.called_off.append(path)
            self.waiting.insert(0, path)
            self.fill(self.machine)
        elif task.exception() is not None or task.result()[0] != 200:
            self.machine.add(CrawlerStates.Failed, path=path)
        else:
            self.machine.add(CrawlerStates.Fetched, path=path, body=task.result()[1])

    @on.state(CrawlerStates.Fetched)
    def read(self, e: Event) -> None:
        self.pages[e.args["path"]] = len(e.args["body"])
        for path in re.findall(r'href="([^"]+)"', e.args["body"]):
            e.machine.add(CrawlerStates.Found, path=path)
        self.fill(e.machine)
        e.machine.add(CrawlerStates.Done)

    @on.state(CrawlerStates.Failed)
    def note(self, e: Event) -> None:
        self.failed.append(e.args["path"])
        self.fill(e.machine)
        e.machine.add(CrawlerStates.Done)

    @on.enter(CrawlerStates.Done)
    def nothing_left(self, e: Event) -> bool:
        return not self.waiting and not self.fetching


class Server(ThreadingHTTPServer):
    """Serves the site. The first request for the slow page is not answered before it is let go."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.asked: list[str] = []
        self.slow_asked, self.let_go = threading.Event(), threading.Event()
        threading.Thread(target=self.serve_forever, daemon=True).start()


class Handler(BaseHTTPRequestHandler):
    """Answers one request."""

    server: Server

    def do_GET(self) -> None:
        self.server.asked.append(self.path)
        if self.path == "/slow" and not self.server.slow_asked.is_set():
            self.server.slow_asked.set()
            self.server.let_go.wait(30)
        try:
            self.send_response(200 if self.path in SITE else 404)
            self.end_headers()
            self.wfile.write(SITE.get(self.path, "").encode())
        except OSError:
            self.close_connection = True  # the client did not wait

    def log_message(self, *_: object) -> None:
        """Say nothing."""


async def crawl(server: Server) -> Crawler:
    """Crawl a site, losing the network once."""
    crawler = Crawler("127.0.0.1", server.server_port)
    machine = crawler.machine
    machine.add([CrawlerStates.Start, CrawlerStates.Online])
    machine.add(CrawlerStates.Found, path="/")
    await asyncio.to_thread(server.slow_asked.wait, 10)
    machine.remove(CrawlerStates.Online)
    print(f"offline: {' '.join(crawler.machine.active)}")
    server.let_go.set()
    await asyncio.sleep(0)
    machine.add(CrawlerStates.Online)
    print(f"online:  {' '.join(crawler.machine.active)}")
    async with asyncio.timeout(20):
        await machine.when(CrawlerStates.Done)
    return crawler


def main() -> Crawler:
    """Returns the crawler when it is done."""
    with Server() as server:
        crawler = asyncio.run(crawl(server))
        server.shutdown()
    print(f"pages:   {', '.join(sorted(crawler.pages))}")
    print(f"failed:  {', '.join(crawler.failed)}")
    print(f"called off and fetched later: {', '.join(sorted(set(crawler.called_off)))}")
    return crawler


if __name__ == "__main__":
    main()
