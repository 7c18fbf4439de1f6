"""Teams over the Microsoft 365 Agents SDK (microsoft-agents-hosting-core): its token validation and connector client.

Its adapter is left out: it would read a request's body before the bot knows who sent it, reads it into models that drop
what they do not know, and answers after the work is done. Its sign-in is left out too: azure-identity does the same
without threads.
"""

from bot.chat.teams.agents.connector import AgentsConnector
from bot.chat.teams.agents.tokens import AgentsTokenCheck
from bot.chat.teams.sdk import Sdk

SDK = Sdk(AgentsTokenCheck, AgentsConnector)
"""What the bot uses of it."""
