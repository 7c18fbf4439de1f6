"""Teams over botbuilder, the Bot Framework SDK: its token validation and its connector client, and nothing else of it.

Its adapter answers 500 to every invoke and builds two clients a turn; its transport signs requests with blocking calls
on the event loop; its serialiser walks a card element by element (8 ms for 300 rows) to come out with the same JSON.
"""

from bot.chat.teams.botbuilder.connector import BotbuilderConnector
from bot.chat.teams.botbuilder.tokens import BotbuilderTokenCheck
from bot.chat.teams.sdk import Sdk

SDK = Sdk(BotbuilderTokenCheck, BotbuilderConnector)
"""What the bot uses of it."""
