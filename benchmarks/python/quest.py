# SPDX-License-Identifier: BSL-1.0
"""What the twins share: arguments, the APIs over kept connections, and the line that is printed.

Runs on Python 3.8 and newer with the standard library alone; aiohttp is used where it is installed.
A twin is started by quest with --port and --scale; by hand it needs a quest_server:
    python3 waiting.py --port=PORT --scale=10
"""
import sys

if sys.version_info < (3, 8):
    print("python3 is %d.%d, the twins need 3.8" % sys.version_info[:2])
    sys.exit(3)

import importlib


def needed(name):
    """The module of the standard library, or the end of a twin that has to do without."""
    try:
        return importlib.import_module(name)
    except ImportError as error:
        print("python3 has no module %s" % (error.name or name))
        sys.exit(4)


argparse, asyncio, json, platform = map(needed, ("argparse", "asyncio", "json", "platform"))
for name in ("concurrent.futures", "threading"):
    needed(name)

try:
    import aiohttp
except ImportError:
    aiohttp = None


def arguments(*more):
    """The command line; `more` are names of further options that take a whole number."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--scale", type=float, default=10)
    parser.add_argument("--runs", type=int, default=1)
    for name in more:
        parser.add_argument("--" + name, type=int, required=True)
    return parser.parse_args()


def scaled(options, seconds):
    """A time of the talk in whole milliseconds, as quest rounds it."""
    return round(seconds * 1000 / options.scale)


def library():
    return "aiohttp " + aiohttp.__version__ if aiohttp else "asyncio streams"


def show(seconds, **more):
    """Prints the one line that quest reads."""
    line = {"python": platform.python_version(), "with": library(), "seconds": seconds}
    line.update(more)
    print(json.dumps(line))


class ApiError(Exception):
    """A status of 400 or above."""

    def __init__(self, status, text):
        super().__init__(text)
        self.status = status


class StreamApis:
    """HTTP/1.1 over asyncio's streams, with connections kept for the next request."""

    def __init__(self, port):
        self.port = port
        self.idle = []

    async def __aenter__(self):
        return self

    async def __aexit__(self, *_):
        for _, writer in self.idle:
            writer.close()

    async def get(self, target):
        """The body of the answer to GET `target`."""
        kept = self.idle.pop() if self.idle else None
        reader, writer = kept or await asyncio.open_connection("127.0.0.1", self.port)
        try:
            request = "GET %s HTTP/1.1\r\nHost: 127.0.0.1:%d\r\n\r\n" % (target, self.port)
            writer.write(request.encode())
            status, body = await self._response(reader)
        except BaseException:
            writer.close()
            raise
        self.idle.append((reader, writer))
        if status >= 400:
            raise ApiError(status, body.decode())
        return body.decode()

    @staticmethod
    async def _response(reader):
        head = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
        fields = dict(line.lower().split(": ", 1) for line in head[1:] if line)
        status = int(head[0].split()[1])
        if fields.get("transfer-encoding") == "chunked":
            return status, await StreamApis._chunks(reader)
        return status, await reader.readexactly(int(fields["content-length"]))

    @staticmethod
    async def _chunks(reader):
        body = b""
        while True:
            size = int(await reader.readline(), 16)
            body += await reader.readexactly(size)
            await reader.readline()
            if size == 0:
                return body


class AiohttpApis:
    """The same over aiohttp."""

    def __init__(self, port):
        self.base = "http://127.0.0.1:%d" % port

    async def __aenter__(self):
        self.session = aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0))
        return self

    async def __aexit__(self, *_):
        await self.session.close()

    async def get(self, target):
        async with self.session.get(self.base + target) as answer:
            text = await answer.text()
            if answer.status >= 400:
                raise ApiError(answer.status, text)
            return text


Apis = AiohttpApis if aiohttp else StreamApis
