"""Answers on Slack: where one goes, and what reaches whoever asked where the bot cannot post."""

from __future__ import annotations

from msgspec.structs import replace as changed

from bot.chat.port import Undelivered
from bot.chat.request import CommandRequest, Conversation, Person
from bot.chat.slack.channels import Channels
from bot.chat.slack.following import Following
from bot.chat.slack.messages import Messages
from cards.build import in_words, muted, text, without_attachments
from cards.card import Card, Words
from cards.slack import render


class Answers:
    """Answers, each by one attempt; every method raises Undelivered."""

    def __init__(self, messages: Messages, following: Following, channels: Channels) -> None:
        self._messages = messages
        self._following = following
        self._channels = channels

    async def answer(self, request: CommandRequest, card: Card, key: str = "") -> str:
        """Edit the clicked message, or post where it was asked; by response_url where the bot is no member.

        A private card takes no place of a message that others read.
        """
        aside = card.private and request.conversation.kind != "personal"
        if request.how == "edit" and request.message and not aside:
            try:
                return await self._edited(request, request.message, card)
            except Undelivered as error:
                if error.why not in {"missing", "gone"} or error.everywhere:
                    raise error.repeatable() from error
        try:
            if card.private and await self._messages.post_aside(request, card):
                return ""
            return await self.post(request.conversation, card, key, request.person)
        except Undelivered as error:
            if not request.reply_url or (error.why != "gone" and error.code != "user_not_in_channel"):
                raise
            if error.why == "gone" and not error.everywhere and self._channels.is_open(request.conversation):
                self._following.later(self._channels.shut(request.conversation))
                card = card if card.private else _outside(card)
            await self._respond(request, card, replace=False)
            return ""

    async def _edited(self, request: CommandRequest, message: str, card: Card) -> str:
        """Edit the clicked message, by response_url where the bot cannot reach it; the id by which it can be edited."""
        conversation = request.conversation
        try:
            await self._messages.update(conversation, message, card, asker=request.person)
        except Undelivered as error:
            if error.why not in {"missing", "gone"} or not request.reply_url:
                raise
            await self._respond(request, card, replace=True)
            return ""
        if attachments := render(card).attachments:
            self._following.later(self._following.share(conversation.id, conversation.thread or message, attachments))
        return message

    async def post(self, conversation: Conversation, card: Card, key: str, asker: Person) -> str:
        """Post a card, and remember the conversation; the message's timestamp."""
        stamp, _ = await self._messages.post_once(conversation, card, key, asker=asker)
        self._following.later(self._channels.remember(conversation))
        return stamp

    async def _respond(self, request: CommandRequest, card: Card, *, replace: bool) -> None:
        card = without_attachments(in_words(card), "Invite me to this channel, and ask again.")
        await self._messages.respond(request.reply_url, render(card).payload, private=card.private, replace=replace)

    async def say(self, request: CommandRequest, words: str) -> None:
        """Show the asker one sentence that only they see."""
        try:
            await self._messages.say(request.conversation, request.person, words)
        except Undelivered:
            if not request.reply_url:
                raise
            await self._messages.respond(request.reply_url, {"text": words}, private=True, replace=False)


def _outside(card: Card) -> Card:
    """The same with what somebody has to know who asks where the bot is not, once it is found out."""
    words = "I am not in this channel: what I post by myself, such as alerts, does not arrive here until I am invited."
    return changed(card, blocks=(*card.blocks, Words(text(muted(words)))))
