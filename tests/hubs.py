"""An event hub that the official client reads, over AMQP 1.0 with TLS: Apache Qpid Proton is the peer.

Proton speaks the protocol: connections, sessions, links, credit. What is said over it is Event Hubs' own: ``$cbs``
takes tokens, ``$management`` tells partitions, and a link to ``HUB/ConsumerGroups/GROUP/Partitions/N`` gives events
from the position of its filter on. In between stands :func:`padded`: Proton leaves out fields at the end of a
performative that are null, as AMQP allows ("composite types"), and the client takes for granted that all of them are
there, as Azure sends them.
"""

from __future__ import annotations

import asyncio
import contextlib
import re
import ssl
import threading
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any

from msgspec import Struct
from proton import Connection, ConnectionException, Described, Event, Link, Message, symbol, timestamp
from proton.handlers import MessagingHandler
from proton.reactor import Container

from bot.sandbox.wire.tokens import EVENT_HUBS, TokenRefusedError, Tokens

_FIELDS = {0x10: 10, 0x11: 8, 0x12: 14, 0x13: 11, 0x14: 11, 0x15: 6, 0x16: 3, 0x17: 1, 0x18: 1}
"""How many fields each performative has (AMQP 1.0, part 2.7), by its descriptor."""
_LIST0, _LIST8, _NULL = 0x45, 0xC0, b"\x40"
_PARTITION = re.compile(
    r"(?:amqps?://[^/]+/)?(?P<hub>[^/]+)/ConsumerGroups/(?P<group>[^/]+)/Partitions/(?P<number>\d+)"
)
_POSITION = re.compile(
    r"amqp\.annotation\.x-opt-(?P<what>sequence-number|offset|enqueued-time) >(?P<same>=?) '(?P<value>[^']*)'"
)
_GLANCE = 0.02


class _Stored(Struct, frozen=True):
    body: bytes
    at: datetime


class EventHub:
    """Partitions with events, and who reads them. ``served`` has every position that a reader asked for."""

    def __init__(self, name: str, tokens: Tokens, partitions: int = 2) -> None:
        self.name = name
        self.partitions: list[list[_Stored]] = [[] for _ in range(partitions)]
        self.served: list[tuple[int, str]] = []
        self.refuses = ""
        """The reason for which no token is taken; empty: those that are good are."""
        self.away = False
        """Nobody is let in, and whoever was is thrown out."""
        self.mute = False
        """It is there, and gives no events."""
        self.tokens = tokens
        self.lock = threading.Lock()

    def emit(self, partition: int, body: bytes, at: datetime | None = None) -> int:
        """Add an event; its sequence number."""
        with self.lock:
            self.partitions[partition].append(_Stored(body, at or datetime.now(UTC)))
            return len(self.partitions[partition]) - 1

    def number(self) -> int:
        """How many events it has."""
        with self.lock:
            return sum(map(len, self.partitions))

    def newest(self) -> float:
        """When it took the last one; 0 where there is none."""
        with self.lock:
            return max((_millis(each.at) for of in self.partitions for each in of), default=0) / 1000

    def deliver(self, body: bytes, at: datetime) -> None:
        """Add an event to the partitions in turn, as a sender does that names none."""
        self.emit(self.number() % len(self.partitions), body, at)


class _Peer(MessagingHandler):
    """What is said over links, in Proton's thread."""

    def __init__(self, hub: EventHub) -> None:
        super().__init__(prefetch=0, auto_accept=True)
        self.hub = hub
        self.port = 0
        self.ready = threading.Event()
        self.ended = threading.Event()
        self._readers: dict[Link, tuple[int, int]] = {}
        """Partition and the next sequence number of each link that is open."""
        self._connections: list[Connection] = []

    def on_start(self, event: Event) -> None:
        acceptor = event.container.listen("127.0.0.1:0")
        self.port = acceptor._selectable._delegate.getsockname()[1]
        event.container.schedule(_GLANCE, self)
        self._acceptor = acceptor
        self.ready.set()

    def on_timer_task(self, event: Event) -> None:
        if self.ended.is_set():
            self._acceptor.close()
            for each in self._connections:
                each.close()
            return
        for link in list(self._readers):
            self._give(link)
        event.container.schedule(_GLANCE, self)

    def on_connection_opening(self, event: Event) -> None:
        event.connection.container = self.hub.name
        self._connections.append(event.connection)

    def on_link_opening(self, event: Event) -> None:
        link = event.link
        link.source.address, link.target.address = link.remote_source.address, link.remote_target.address
        if link.is_receiver:
            link.flow(1000)
        elif found := _PARTITION.fullmatch(link.remote_source.address or ""):
            number, position = int(found["number"]), _filter(link)
            self.hub.served.append((number, position))
            self._readers[link] = number, self._first(number, position)

    def on_link_closing(self, event: Event) -> None:
        self._readers.pop(event.link, None)

    def on_disconnected(self, event: Event) -> None:
        self._connections = [each for each in self._connections if each != event.connection]
        self._readers = {link: at for link, at in self._readers.items() if link.connection != event.connection}

    def on_sendable(self, event: Event) -> None:
        self._give(event.link)

    def on_message(self, event: Event) -> None:
        """A question on one of the two nodes; the answer goes out by the link that stands opposite."""
        node, asked = event.link.target.address, event.message
        answer = self._token(asked) if node == "$cbs" else self._told(asked)
        answer.correlation_id, answer.address = asked.id, asked.reply_to
        link = event.connection.link_head(0)
        while link is not None:
            if link.is_sender and link.source.address == node and link.session == event.link.session:
                link.send(answer)
                return
            link = link.next(0)

    def _token(self, asked: Message) -> Message:
        try:
            if self.hub.refuses:
                return Message(properties={"status-code": 401, "status-description": self.hub.refuses})
            self.hub.tokens.verify(asked.body, EVENT_HUBS)
        except TokenRefusedError as error:
            return Message(properties={"status-code": 401, "status-description": f"InvalidToken: {error.reason}"})
        return Message(properties={"status-code": 202, "status-description": "Accepted"})

    def _told(self, asked: Message) -> Message:
        wanted = asked.properties or {}
        now = timestamp(int(time.time() * 1000))
        with self.hub.lock:
            if wanted.get("type") == "com.microsoft:eventhub":
                names = [str(number) for number in range(len(self.hub.partitions))]
                body: dict[str, Any] = {"partition_count": len(names), "partition_ids": names, "created_at": now}
            else:
                of = self.hub.partitions[int(wanted["partition"])]
                body = {
                    "partition": wanted["partition"],
                    "begin_sequence_number": 0,
                    "last_enqueued_sequence_number": len(of) - 1,
                    "last_enqueued_offset": str(len(of) - 1),
                    "last_enqueued_time_utc": timestamp(int(of[-1].at.timestamp() * 1000)) if of else now,
                    "is_partition_empty": not of,
                }
        body |= {"name": self.hub.name, "type": wanted.get("type")}
        return Message(body=body, properties={"status-code": 200, "status-description": "OK"})

    def _first(self, number: int, position: str) -> int:
        """The sequence number from which on a filter wants events."""
        found = _POSITION.fullmatch(position)
        if found is None or found["value"] == "-1":
            return 0
        if found["value"] == "@latest":
            with self.hub.lock:
                return len(self.hub.partitions[number])
        if found["what"] == "enqueued-time":
            with self.hub.lock:
                stored = self.hub.partitions[number]
                old = [_millis(each.at) for each in stored]
            least = int(found["value"]) + (not found["same"])
            return next((place for place, at in enumerate(old) if at >= least), len(old))
        return int(found["value"]) + (not found["same"])

    def _give(self, link: Link) -> None:
        """As many events as there is credit for."""
        if link not in self._readers or self.hub.mute:
            return
        number, following = self._readers[link]
        with self.hub.lock:
            ready = self.hub.partitions[number][following : following + link.credit]
        for sequence, each in enumerate(ready, following):
            message = Message(body=each.body, inferred=True)
            message.annotations = {
                symbol("x-opt-sequence-number"): sequence,
                symbol("x-opt-offset"): str(sequence),
                symbol("x-opt-enqueued-time"): timestamp(int(each.at.timestamp() * 1000)),
            }
            link.send(message)
        self._readers[link] = number, following + len(ready)


def _millis(at: datetime) -> int:
    return int(at.timestamp() * 1000)


def _filter(link: Link) -> str:
    data = link.remote_source.filter
    data.rewind()
    if not data.next():
        return ""
    given = data.get_object()
    return next((str(each.value) for each in given.values() if isinstance(each, Described)), "") if given else ""


@asynccontextmanager
async def hub(made: EventHub, tls: ssl.SSLContext, port: int = 0) -> AsyncIterator[int]:
    """Serve a hub; the port, at which it is reached by TLS."""
    peer = _Peer(made)
    container = Container(peer)
    thread = threading.Thread(target=_run, args=(container,), name="event hub", daemon=True)
    thread.start()
    await asyncio.to_thread(peer.ready.wait, 10)
    passing: set[asyncio.Task[Any]] = set()

    async def passed(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task
        passing.add(task)
        theirs, ours = await asyncio.open_connection("127.0.0.1", peer.port)
        try:
            await asyncio.gather(_up(reader, ours), _down(theirs, writer), _watched(made, ours, writer))
        finally:
            passing.discard(task)
            ours.transport.abort()
            writer.transport.abort()

    server = await asyncio.start_server(passed, "127.0.0.1", port, ssl=tls)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
        for each in passing:
            each.cancel()
        await asyncio.gather(*passing, return_exceptions=True)
        peer.ended.set()  # Proton's thread ends with its last connection
        await asyncio.to_thread(thread.join, 10)
        assert not thread.is_alive()


async def _watched(made: EventHub, *ends: asyncio.StreamWriter) -> None:
    """Cut the connection when the hub goes away."""
    while not made.away and not any(each.is_closing() for each in ends):  # noqa: ASYNC110 - a flag
        await asyncio.sleep(_GLANCE)
    for each in ends:
        each.transport.abort()


def _run(container: Container) -> None:
    with contextlib.suppress(ConnectionException):
        container.run()


async def _up(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(OSError):
        while block := await reader.read(65536):
            writer.write(block)
            await writer.drain()
    writer.transport.abort()


async def _down(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(OSError, asyncio.IncompleteReadError):
        while True:
            head = await reader.readexactly(8)
            if not head.startswith(b"AMQP"):  # else a protocol header, which is no frame
                head = padded(head + await reader.readexactly(int.from_bytes(head[:4], "big") - 8))
            writer.write(head)
            await writer.drain()
    writer.transport.abort()


def padded(frame: bytes) -> bytes:
    """A frame whose performative has all of its fields; frames of SASL and empty ones are left as they are."""
    begin = frame[4] * 4
    if frame[5] != 0 or frame[begin : begin + 2] != b"\x00\x53" or frame[begin + 2] not in _FIELDS:
        return frame
    wanted, at = _FIELDS[frame[begin + 2]], begin + 3
    if frame[at] == _LIST0:
        count, fields, end = 0, b"", at + 1
    elif frame[at] == _LIST8:
        count, end = frame[at + 2], at + 2 + frame[at + 1]
        fields = frame[at + 3 : end]
    else:
        count, end = (
            int.from_bytes(frame[at + 5 : at + 9], "big"),
            at + 5 + int.from_bytes(frame[at + 1 : at + 5], "big"),
        )
        fields = frame[at + 9 : end]
    fields += _NULL * (wanted - count)
    body = b"\xd0" + (len(fields) + 4).to_bytes(4, "big") + wanted.to_bytes(4, "big") + fields
    whole = frame[4:at] + body + frame[end:]
    return (len(whole) + 4).to_bytes(4, "big") + whole
