"""Builds every part and runs them; the only module that knows all the others."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from functools import partial

import structlog

import handlers
from bot.accounting.bill_keeper import BillKeeper
from bot.accounting.service import Accounting
from bot.advising.keeper import AdviceKeeper
from bot.alerting import rules
from bot.alerting.publishing import Publisher
from bot.alerting.service import AlertService
from bot.alerting.watched_jobs import WatchedJobs
from bot.azure.accounts import Accounts
from bot.azure.database_sign_in import database_password
from bot.azure.prices import Retail
from bot.chat.clear_chat import clear_chat
from bot.chat.platforms import connectable
from bot.chat.port import AttachedFile, Chat, ChatStartError, KnowsPeople, MovesConversations, Platform, ServedChat
from bot.chat.request import CommandRequest, Conversation, Person
from bot.clock import Clock
from bot.content.clear_store import clearing
from bot.content.drawing import Drawing
from bot.content.links import Gallery, Links
from bot.content.relay import Relay
from bot.monitor.backfill import BackFill
from bot.monitor.background import Background
from bot.monitor.collector import Collector
from bot.monitor.monitor_status import MonitorStatus
from bot.monitor.names import Names
from bot.monitor.network import NetworkSampler
from bot.monitor.observer import Observer
from bot.monitor.scene import MoneyView, Scene
from bot.monitor.watcher import Watcher
from bot.operations.audit import Audit
from bot.operations.engine import Operations
from bot.ops import health
from bot.ops.moved import named_by_old_ids
from bot.ops.notices import Notices
from bot.ops.probes import Probes
from bot.ops.pruning import prune
from bot.ops.server import servers
from bot.outbox import OutboxWorker
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
from bot.settings_file import Settings
from bot.webhooks.delivery import Webhooks
from cards.card import Card
from storage.opening import nothing, open_store
from storage.port.conversations import ConversationReference
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
        environment: Mapping[str, str] = os.environ,
        clock: Clock | None = None,
    ) -> None:
        """``clock`` is what watching, alerting and delivering go by: the wall's, or a faster one."""
        self.settings = settings
        self.store = store
        self.clock = clock or Clock()
        retail = Retail(settings.bot.prices_url, settings.bot.currency, store=store, terms=settings.prices)
        self.accounts = Accounts(
            settings.accounts,
            environment,
            retail=retail,
            host=None if settings.watch.believe_clock else self.clock,
        )
        self.background = Background(self.clock)
        self.accounting = Accounting(store, self.accounts)
        self.bills = BillKeeper(self.accounts, store, self.clock, self.background)
        self.registry = Registry.discover(handlers)
        self.drawing = Drawing()
        links = Links(store, settings.bot.public_url, days=settings.bot.picture_days)
        self.gallery = Gallery(self.drawing, links)
        bot = settings.bot
        self.relay = Relay(links.signer, self.accounts, bot.public_url, bot.relay_mb * 10**6)
        self.upload_page = UploadPage(store, links.signer, bot.public_url, self._uploaded)
        self.names = Names(self.accounts, bot.poll_seconds)
        self.chats: dict[str, Chat] = {}
        self.policy = settings.policy()
        several = len(self.accounts) > 1
        self.webhooks, self.outbox, self.notices, self.alerts = self._telling(environment, several=several)
        self.jobs = WatchedJobs(
            store, self.outbox, self.clock, zone=self.alerts.zone_of, several=several, nudge=self._poll_now
        )
        self.collector = Collector(self.accounts, store, bot.poll_seconds, heard=self.names.heard)
        self.backfill = BackFill(self.accounts, store, self.clock, self.background)
        self.network = NetworkSampler(self.accounts, store, self.clock, self.background)
        self.observers = {
            each.name: Observer(each, store, self.clock, settings.watch, settings.keep) for each in self.accounts
        }
        self.receipts = ReceiptKeeper(
            store,
            {account.name: account for account in self.accounts},
            ReceiptReader(store, self.accounting),
            self.outbox,
            self.clock,
            zone=self.alerts.zone_of,
            background=self.background,
        )
        traffic = {account.name: account.traffic for account in self.accounts}
        self.monitor_status = MonitorStatus(
            self.observers,
            traffic,
            self.outbox,
            self.clock,
            self.backfill.status,
            self.background,
            {account.name: account for account in self.accounts},
        )
        self.advice = AdviceKeeper(self.accounts, store, self.accounting, self.registry, self.clock, self.background)
        pools, self.reports, self.money = self._reporting(several=several)
        self.watcher = Watcher(
            self.observers.values(),
            self.alerts.saw,
            self.clock,
            after=[
                self.monitor_status.after,
                self.jobs.after,
                self._count_watched_after,
                self.collector.after,
                self.receipts.after,
                pools.after,
            ],
        )
        self.operations = Operations(store, self.accounts, self.registry.workflows, Audit(store), self.clock)
        services = Services(
            self.registry,
            self.policy,
            store,
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
        self._let_go: Callable[[], None] = nothing
        self.delivery = AnswerDelivery(self.chats, store, self.clock, self.dispatcher.followed)
        self.journal = RequestJournal(self.dispatcher, store, self.chats, self.delivery, clock=self.clock)
        self.approvals = ApprovalKeeper(
            self.dispatcher, self.journal.accept_own, self.clock, audit_conversation=settings.audit.conversation
        )
        self._background: list[asyncio.Task[None]] = []
        routes = [*links.routes(), *self.relay.routes(), *self.upload_page.routes()]
        served: dict[str, ServedChat] = {}
        for name, platform in connectable().items():
            if section := settings.platforms.get(name):
                served[name] = chat = platform.connect(section, store, self.gallery, environment)
                self._acquaint(chat, settings.groups(name))
                self.chats[name] = clear_chat(chat)
                routes += chat.routes()
        self.probes = Probes(store, served)
        self.servers = servers(
            bot,
            routes,
            health.routes(self.monitor_status, traffic, self.alerts, self.probes, self.webhooks),
            health.bare_routes(self.monitor_status, self.probes),
        )

    def _acquaint(self, platform: Platform, groups: frozenset[str]) -> None:
        """Tell a platform what it has to know before it starts."""
        if isinstance(platform, KnowsPeople):
            platform.name_groups(groups)
        if isinstance(platform, MovesConversations):
            platform.on_move(self._moved)

    def _telling(
        self, environment: Mapping[str, str], *, several: bool
    ) -> tuple[Webhooks, OutboxWorker, Notices, AlertService]:
        """What decides on alerts, and what brings them out: to chats, to other programs, to whoever runs the bot."""
        bot, store, clock, kinds = self.settings.bot, self.store, self.clock, rules.discover()
        notices = Notices(store, clock, where=bot.operators or self.settings.audit.conversation, zone=bot.zone)
        webhooks = Webhooks(clock, self.background, notices.tell, environment)
        outbox = OutboxWorker(store, self.chats, clock, self._for_all, webhooks)
        notices.put = outbox.put
        publisher, zone = Publisher(lambda: webhooks.settings, kinds), bot.zone
        alerts = AlertService(
            store, kinds, self.settings.alerts, outbox, clock, zone=zone, several=several, publisher=publisher
        )
        return webhooks, outbox, notices, alerts

    def _reporting(self, *, several: bool) -> tuple[Pools, Reports, MoneyWatch]:
        """How pools stand, what is said of money by the calendar, and what is found in it all the time."""
        pools = Pools()
        settings = self.settings
        composer = Composer(self.accounting, self.store, [each.budget() for each in settings.budgets])
        patience = timedelta(hours=settings.reports.wait_hours)
        put, clock, told, floor = self.outbox.put, self.clock, self.background, settings.reports.unusual_from
        reports = Reports(composer, pools, put, clock, several=several, patience=patience, background=told)
        return pools, reports, MoneyWatch(composer, self.observers, clock, self._money_is, floor=floor, background=told)

    @classmethod
    async def open(
        cls,
        settings: Settings,
        environment: Mapping[str, str] = os.environ,
        clock: Clock | None = None,
        *,
        hold: bool = False,
    ) -> App:
        """Open the database and build the program on it. Raises StoreError with what to do.

        ``hold`` keeps other programs that watch and tell from the same database; StoreHeld where another holds it.
        """
        bot = settings.bot
        opening = partial(
            open_store, bot.database, database_password(bot, environment), retention=settings.keep.retention()
        )
        opened, let_go = await asyncio.to_thread(opening, hold=bot.database_wait_seconds if hold else None)
        try:
            app = cls(settings, clearing(opened), environment, clock)
        except BaseException:
            let_go()
            raise
        app.monitor_status.store = app.background.store = app.probes.condition = opened.condition
        app._let_go = let_go
        return app

    async def start(self) -> None:
        """Listen, connect the platforms, work off what a crash left, and begin to watch.

        Raises ChatStartError where no platform accepts the bot, CannotListen where a port is taken, and StoreError.
        """
        await self.drawing.start()
        began = datetime.now(UTC)
        await self.webhooks.use(self.settings.webhooks)
        await self._start_chats()
        for server in self.servers:
            await server.start()
        await self.check_names()
        stopped = await self.delivery.resume(began)  # first, so that requests which are resumed find these messages
        going_on = await self.operations.resume()
        resumed = await self.journal.resume()
        await self.alerts.load()
        await self.jobs.load()
        await self.bills.load()
        for account in self.observers:
            self._count_watched(account)
        self._background = [
            asyncio.create_task(self.journal.run(), name="journal"),
            asyncio.create_task(self.operations.run(), name="operations"),
            asyncio.create_task(self.approvals.run(), name="approvals"),
            asyncio.create_task(self.outbox.run(), name="outbox"),
            asyncio.create_task(self.alerts.run(), name="alerts"),
            asyncio.create_task(self.watcher.run(), name="watcher"),
            asyncio.create_task(self.receipts.run(), name="receipts"),
            asyncio.create_task(self.reports.run(), name="reports"),
            asyncio.create_task(self.money.run(), name="money"),
            asyncio.create_task(self.advice.run(), name="advice"),
            asyncio.create_task(self.names.run(), name="names"),
            asyncio.create_task(self.backfill.run(), name="history"),
            asyncio.create_task(self.network.run(), name="network"),
            asyncio.create_task(self.accounts.warm(), name="prices at hand"),
            asyncio.create_task(self.bills.run(), name="bills"),
            asyncio.create_task(prune(self.store), name="prune"),
        ]
        if self.settings.watch.poll_seconds > self.settings.bot.poll_seconds:
            # Looks are rarer than samples are to be, which then take what they need themselves.
            self._background.append(asyncio.create_task(self.collector.run(), name="collector"))
        self.probes.started(self._background)
        log.info(
            "app.started",
            listen=self.settings.bot.listen,
            chats=sorted(self.chats),
            resumed=resumed,
            live_cards_resumed=stopped,
            operations_resumed=going_on,
        )

    async def _start_chats(self) -> None:
        """One platform that refuses the bot does not keep it from the others."""
        refused: list[ChatStartError] = []
        for name, chat in self.chats.items():
            chat.on_reach(self._reached)
            try:
                await chat.start(self.journal)
            except ChatStartError as error:
                log.error("app.chat_refused", chat=name, message=str(error))  # noqa: TRY400 - it says all
                refused.append(error)
        if refused and len(refused) == len(self.chats):
            raise refused[0]

    async def stop(self) -> None:
        """Stop receiving first, finish what is under way, then close everything."""
        self.probes.stopping()
        for server in self.servers:
            await server.close()
        await self.outbox.close()
        for task in self._background:
            task.cancel()
        await asyncio.gather(*self._background, return_exceptions=True)
        for drain in (self.operations.drain, partial(self.journal.drain, _DRAIN_SECONDS)):
            try:
                await drain()
            except StoreError as error:  # what is held on a full disk comes free by itself after a while
                log.error("app.not_let_go", message=str(error))  # noqa: TRY400 - it says all
        for chat in self.chats.values():
            await chat.stop()
        await self.webhooks.close()
        await self.names.close()
        await self.accounts.close()
        await self.drawing.close()
        await self.store.close()
        await asyncio.to_thread(self._let_go)
        log.info("app.stopped")

    def _count_watched(self, account: str) -> None:
        """Jobs that somebody watches are counted in every look, and what is subscribed comes first."""
        observer = self.observers[account]
        observer.watched_jobs, observer.asked = self.jobs.watched(account), self.alerts.asked(account)

    def _money_is(self, account: str, money: MoneyView) -> None:
        """How an account's money stands goes into its next looks, where the alert rules find it."""
        self.observers[account].money = money

    async def _count_watched_after(self, account: str, scene: Scene, now: datetime) -> None:
        self._count_watched(account)

    def _poll_now(self, account: str) -> None:
        """Somebody began to watch a job: do not let them wait for the next poll."""
        self._count_watched(account)
        self.watcher.nudge(account)

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

    async def _reached(self, conversation: Conversation, yes: bool) -> None:
        """The bot was let into a conversation, or put out of it."""
        await self.outbox.reachable(conversation, yes)
        if yes:
            await self.delivery.resume(datetime.now(UTC))
            await self.alerts.conversations_changed()

    async def _moved(self, reference: ConversationReference, old: str) -> None:
        """A conversation has another id: everything that is kept for it goes with it, while nobody changes it."""
        platform = reference.platform
        async with self.alerts.moving(), self.jobs.moving():
            await self.store.move_conversation(reference, old)
        await self.outbox.moved(f"{platform}:{old}", f"{platform}:{reference.id}")
        await self.check_names()

    async def check_names(self) -> None:
        """Whoever runs the bot is told what the settings name by an id that it has no longer."""
        self.monitor_status.moved = named_by_old_ids(self.settings, await self.store.conversations())
        for each in self.monitor_status.moved:
            log.warning("settings.conversation_moved", message=each)
