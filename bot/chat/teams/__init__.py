"""Microsoft Teams, over the Bot Connector.

sdk         what is asked of a library of Microsoft's: to check tokens, and to call back
botbuilder  the same by the Bot Framework SDK
agents      the same by its successor, the Microsoft 365 Agents SDK
library     which of the two it is
token_check whether a request really comes from Teams, by what the library found in its token
wire        the bot's own token, and what answers of the Bot Connector mean
keys        the service's signing keys, fetched without blocking
activity    what Teams sends, typed, and what it means: person, conversation, text
invokes     the answers to buttons and dialogs, as Teams wants them
errors      what can go wrong, and what it means for a message
outbound    cards on their way out: allowed hosts, Teams' limits, pictures
messages    posts, edits and personal chats, each by one call
settings    its section of the settings file
platform    what is known of it without its client, and how it is connected
message_extension  links, searches and messages that are asked about, beside the chat
aside       answers for the asker alone, where others read
credentials what the bot proves itself with
adapter     puts these together behind :class:`bot.chat.port.Chat`
"""
