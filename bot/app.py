"""Builds every part and runs them; the only module that knows all the others."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from functools import partial

import structlog

import handlers
from bot.accounting.bill_keeper import BillKeeper
from bot.accounting.service import Accounting
from bot.advising.keeper import AdviceKeeper
from bot.alerting.watched_jobs import WatchedJobs
from bot.azure.accounts import Accounts
from bot.azure.prices import Retail
from bot.chat.clear_chat import clear_chat
from bot.chat.platforms import connectable
from bot.chat.port import AttachedFile, Chat, ServedChat
from bot.chat.request import CommandRequest, Conversation, Person
from bot.clock import Clock, end_tasks
from bot.content.clear_store import clearing
from bot.content.drawing import Drawing
from bot.content.links import Gallery, Links
from bot.content.relay import Relay
from bot.mcp.endpoint import Programs
from bot.monitor.backfill import BackFill
from bot.monitor.background import Background
from bot.monitor.collector import Collector
from bot.monitor.monitor_status import MonitorStatus
from bot.monitor.names import Names
from bot.monitor.network import NetworkSampler
from bot.operations.audit import Audit
from bot.operations.engine import Operations
from bot.ops import health
from bot.ops.chats import acquaint, start_chats
from bot.ops.database import opened
from bot.ops.moved import Conversations
from bot.ops.probes import Probes, Runs
from bot.ops.pruning import prune
from bot.ops.replica import Replica, seldom, store_of
from bot.ops.server import servers
from bot.ops.telling import telling
from bot.receipts.keeper import ReceiptKeeper
from bot.receipts.reader import ReceiptReader
from bot.reports.compose import Composer
from bot.reports.pools import Pools
from bot.reports.service import Reports
from bot.reports.watch import MoneyWatch
from bot.requests.answer_delivery import AnswerDelivery
from bot.requests.approval_keeper import ApprovalKeeper
from bot.requests.dispatcher import Dispatcher
from bot.requests.journal import RequestJournal
from bot.requests.offered import offered_to_all
from bot.requests.registry import Registry
from bot.requests.services import AzureReading, Chatting, Services, Watching
from bot.requests.upload_page import UploadPage
from bot.secrets import ENVIRONMENT
from bot.settings_file import Settings
from bot.watching import watching_of
from cards.card import Card
from storage.opening import Opened
from storage.port.errors import StoreError
from storage.port.store import Store

log = structlog.get_logger()

_DRAIN_SECONDS = 10.0


class App:
    """The running program, from :meth:`start` to :meth:`stop`; its parts are public for whoever embeds it."""

    def __init__(
        self,
        settings: Settings,
        store: Store,
        environment: Mapping[str, str] = ENVIRONMENT,
        clock: Clock | None = None,
        opened: Opened | None = None,
    ) -> None:
        """``clock`` is what watching, alerting and delivering go by: the wall's, or a faster one.

        ``store`` is that of the duties. Where it was ``opened`` for one of several replicas, what any of them does goes
        into a store that is always to be had.
        """
        self.settings = settings
        self.store = store
        self.clock = clock or Clock()
        self._opened = opened
        self._front = front = clearing(opened.front) if opened and opened.lease else store
        self.accounts = Accounts(
            settings.accounts,
            environment,
            retail=Retail(settings.bot.prices_url, settings.bot.currency, store=front, terms=settings.prices),
            host=None if settings.watch.believe_clock else self.clock,
        )
        self.background = Background(self.clock)
        self.accounting = Accounting(store, self.accounts)
        self.bills = BillKeeper(self.accounts, store, self.clock, self.background)
        self.registry = Registry.discover(handlers)
        self.drawing = Drawing()
        links = Links(front, settings.bot.public_url, days=settings.bot.picture_days)
        self.gallery = Gallery(self.drawing, links)
        bot = settings.bot
        self.relay = Relay(links.signer, self.accounts, bot.public_url, bot.relay_mb * 10**6)
        self.upload_page = UploadPage(front, links.signer, bot.public_url, self._uploaded)
        self.names = Names(self.accounts, bot.poll_seconds)
        self.chats: dict[str, Chat] = {}
        self.policy = settings.policy()
        several, operators = len(self.accounts) > 1, bot.operators or settings.audit.conversation
        parts = self.chats, self.clock, self.background, self._for_all, environment
        told = telling(bot, settings.alerts, operators, store, *parts, several=several)
        self.webhooks, self.outbox, self.notices, self.alerts = told
        self.watching = watching = watching_of(self.accounts, store, front, self.clock, settings, opened)
        self.observers = watching.observers
        self.jobs = WatchedJobs(
            store, self.outbox, self.clock, zone=self.alerts.zone_of, several=several, nudge=self.watching.poll_now
        )
        self.collector = Collector(self.accounts, store, bot.poll_seconds, heard=self.names.heard)
        self.backfill = BackFill(self.accounts, store, self.clock, self.background)
        self.network = NetworkSampler(self.accounts, store, self.clock, self.background)
        self.receipts = ReceiptKeeper(
            store,
            {account.name: account for account in self.accounts},
            ReceiptReader(store, self.accounting),
            self.outbox,
            self.clock,
            zone=self.alerts.zone_of,
            background=self.background,
        )
        self.monitor_status = MonitorStatus(
            watching.waits,
            watching.traffic,
            self.outbox,
            self.clock,
            self.backfill.status,
            self.background,
            watching.clocks,
        )
        self.advice = AdviceKeeper(self.accounts, store, self.accounting, self.registry, self.clock, self.background)
        pools, self.reports, self.money = self._reporting(several=several)
        after = self.monitor_status.after, self.jobs.after, self.collector.after, self.receipts.after, pools.after
        watching.decide_by(self.alerts, self.jobs, after)
        self.watcher = watching.watcher
        asked = store_of(opened.lease if opened else None, front, store)
        self.operations = Operations(store, self.accounts, self.registry.workflows, Audit(asked), self.clock)
        services = Services(
            self.registry,
            self.policy,
            asked,
            AzureReading(self.accounts, self.names, self.relay if bot.public_url else None),
            Chatting(
                bot.name,
                bot.zone,
                self._direct,
                self._fetch,
                self.upload_page if bot.public_url else None,
                self.outbox.put,
            ),
            Watching(self.alerts, self.monitor_status, self.jobs, self.reports),
            self.operations,
        )
        self.dispatcher = Dispatcher(services)
        self.delivery = AnswerDelivery(self.chats, store, self.clock, self.dispatcher.followed)
        self.journal = RequestJournal(
            self.dispatcher,
            store,
            self.chats,
            self.delivery,
            clock=self.clock,
            front=front,
            refresh=seldom(self._read_anew),
        )
        self.conversations = Conversations(
            store, lambda: self.settings, self.alerts, self.jobs, self.outbox, self.delivery, self.monitor_status
        )
        self.approvals = ApprovalKeeper(
            self.dispatcher, self.journal.accept_own, self.clock, audit_conversation=settings.audit.conversation
        )
        self._background: list[asyncio.Task[None]] = []
        self._connect(links, environment)

    def _connect(self, links: Links, environment: Mapping[str, str]) -> None:
        """Build what others call: the platforms, links and pages, probes and metrics."""
        settings, opened = self.settings, self._opened
        traffic = {account.name: account.traffic for account in self.accounts}
        self.programs = Programs(settings.mcp, environment, settings.bot, self.journal, self._front, self.gallery)
        routes = [each for part in (links, self.relay, self.upload_page, self.programs) for each in part.routes()]
        served: dict[str, ServedChat] = {}
        for name, platform in connectable().items():
            if section := settings.platforms.get(name):
                served[name] = chat = platform.connect(section, self._front, self.gallery, environment)
                self.chats[name] = clear_chat(chat)
                routes += chat.routes()
        self.replica: Replica | None = None
        if opened and opened.lease:
            given = opened.lease, self._front, self.store, served.values(), self.conversations
            self.replica = Replica(*given, self._take_over)
            self.journal.working, self.webhooks.may, self.monitor_status.lease = False, self.replica.may, opened.lease
        for name, chat in served.items():
            acquaint(chat, settings.groups(name), (self.replica or self.conversations).moved)
        self.probes = Probes(self._front, served)
        self.servers = servers(
            settings.bot,
            routes,
            health.routes(self.monitor_status, traffic, self.alerts, self.probes, self.webhooks),
            health.bare_routes(self.monitor_status, self.probes),
        )

    def _reporting(self, *, several: bool) -> tuple[Pools, Reports, MoneyWatch]:
        """How pools stand, what is said of money by the calendar, and what is found in it all the time."""
        pools = Pools()
        settings = self.settings
        composer = Composer(self.accounting, self.store, [each.budget() for each in settings.budgets])
        patience = timedelta(hours=settings.reports.wait_hours)
        put, clock, told, floor = self.outbox.put, self.clock, self.background, settings.reports.unusual_from
        reports = Reports(composer, pools, put, clock, several=several, patience=patience, background=told)
        return (
            pools,
            reports,
            MoneyWatch(composer, self.observers, clock, self.watching.money_is, floor=floor, background=told),
        )

    @classmethod
    async def open(
        cls,
        settings: Settings,
        environment: Mapping[str, str] = ENVIRONMENT,
        clock: Clock | None = None,
        *,
        hold: bool = False,
    ) -> App:
        """Open the database and build the program on it. Raises StoreError with what to do.

        ``hold`` keeps other programs that watch and tell from the same database; StoreHeld where another holds it.
        """
        made = await opened(settings.bot, settings.keep, environment, hold=hold)
        try:
            app = cls(settings, clearing(made.duties), environment, clock, made)
        except BaseException:
            made.let_go()
            raise
        app.monitor_status.store = app.background.store = app.probes.condition = made.duties.condition
        return app

    async def start(self) -> None:
        """Listen, connect the platforms, and begin the duties; one of several replicas does so when they are its own.

        Raises ChatStartError where no platform accepts the bot, CannotListen where a port is taken, and StoreError.
        """
        await self.drawing.start()
        began = datetime.now(UTC)
        await self.webhooks.use(self.settings.webhooks)
        await start_chats(self.chats, self.journal, (self.replica or self.conversations).reached)
        for server in self.servers:
            await server.start()
        await self.conversations.check_names()
        self._background = [
            asyncio.create_task(self.names.run(), name="names"),
            asyncio.create_task(self.accounts.warm(), name="prices at hand"),
        ]
        if self.replica:
            self.monitor_status.stands_by()
            self._begin(self.watching.of_any())
            self._background.append(asyncio.create_task(self.replica.run(), name="replica"))
        else:
            await self._begin_duties(began)
        self.probes.started(self._background)
        log.info("app.started", listen=self.settings.bot.listen, chats=sorted(self.chats))

    def _begin(self, parts: Mapping[str, Runs]) -> None:
        self._background += [asyncio.create_task(part.run(), name=name) for name, part in parts.items()]

    async def _take_over(self) -> None:
        """The duties are this replica's from now on. Raises StoreError."""
        if self._opened:
            await self._opened.taken()
        self.monitor_status.watches()
        await self._begin_duties(datetime.now(UTC))
        self.probes.started(self._background)

    async def _begin_duties(self, began: datetime) -> None:
        """Work off what a crash left, or another replica, and begin to watch. Raises StoreError."""
        stopped = await self.delivery.resume(began)  # first, so that requests which are resumed find these messages
        going_on = await self.operations.resume()
        resumed = await self.journal.resume()
        await self.alerts.load()
        await self.jobs.load()
        await self.bills.load()
        for account in self.observers:
            self.watching.count_watched(account)
        self.journal.working = True
        asked: dict[str, Runs] = {"journal": self.journal, "operations": self.operations, "approvals": self.approvals}
        watched: dict[str, Runs] = {
            "outbox": self.outbox,
            "alerts": self.alerts,
            "receipts": self.receipts,
            **self.watching.of_duties(),
        }
        told: dict[str, Runs] = {"reports": self.reports, "money": self.money, "advice": self.advice}
        gathered: dict[str, Runs] = {"history": self.backfill, "network": self.network, "bills": self.bills}
        parts = {name: part.run() for name, part in (asked | watched | told | gathered).items()}
        parts["prune"] = prune(self.store)
        if self.settings.watch.poll_seconds > self.settings.bot.poll_seconds:
            # Looks are rarer than samples are to be, which then take what they need themselves.
            parts["collector"] = self.collector.run()
        if self.replica:
            parts["requests of other replicas"] = self.journal.watch()
        self._background += [asyncio.create_task(run, name=name) for name, run in parts.items()]
        log.info("app.duties_begun", resumed=resumed, live_cards_resumed=stopped, operations_resumed=going_on)

    async def stop(self) -> None:
        """Stop receiving first, finish what is under way, then close everything.

        One of several replicas goes on receiving, for the next that has the duties, until it has handed them over.
        """
        self.probes.stopping()
        if self._opened and self._opened.lease:
            self.journal.working = False
            await self._end_duties(mine=self._opened.lease.held)
            await asyncio.to_thread(self._opened.let_go)
        for server in self.servers:
            await server.close()
        if not (self._opened and self._opened.lease):
            await self._end_duties()
        for chat in self.chats.values():
            await chat.stop()
        await self.webhooks.close()
        await self.names.close()
        await self.accounts.close()
        await self.drawing.close()
        await self.watching.close()
        await self.store.close()
        if self._front is not self.store:
            await self._front.close()
        elif self._opened:
            await asyncio.to_thread(self._opened.let_go)
        log.info("app.stopped")

    async def _end_duties(self, *, mine: bool = True) -> None:
        """Finish what is under way; where the duties are not ``mine`` another replica does that."""
        if mine:
            await self.outbox.close()
        await end_tasks(self._background)
        for drain in (self.operations.drain, partial(self.journal.drain, _DRAIN_SECONDS if mine else 0.0)):
            try:
                await drain()
            except StoreError as error:  # what is held on a full disk comes free by itself after a while
                (log.error if mine else log.info)("app.not_let_go", message=str(error))

    async def _direct(self, person: Person, conversation: Conversation) -> Conversation:
        """The conversation with one person alone. Raises Undelivered."""
        return await self.chats[conversation.platform].direct(person, conversation)

    async def _fetch(self, request: CommandRequest, reference: str, most: int) -> AttachedFile:
        """What is attached to a request. Raises FetchError."""
        return await self.chats[request.conversation.platform].fetch(request, reference, most)

    async def _uploaded(self, request: CommandRequest) -> object:
        """Somebody uploaded on the page what they asked for in a chat."""
        return await self.journal.accept_own(request)

    def _for_all(self, card: Card, conversation: Conversation) -> Card:
        """What the bot posts by itself, without buttons that are refused to everybody who sees it."""
        writing = {account.name for account in self.accounts if account.writer}
        default = next(iter(self.accounts.names), "")
        return offered_to_all(card, self.registry, self.policy, conversation, default, writing.__contains__)

    async def _read_anew(self) -> None:
        """What forms show of alerts and watched jobs, where another replica has the duties. Raises StoreError."""
        await self.alerts.load()
        await self.jobs.load()
