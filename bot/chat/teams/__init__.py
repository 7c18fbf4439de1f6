"""Microsoft Teams, over the Bot Framework.

token_check whether a request really comes from Teams
connector   how to call back (with token_check all that knows botbuilder: these two changed, it could be the
            Microsoft 365 Agents SDK)
keys        the service's signing keys, fetched without blocking
activity    what Teams sends, typed, and what it means: person, conversation, text
invokes     the answers to buttons and dialogs, as Teams wants them
errors      what can go wrong, and what it means for a message
outbound    cards on their way out: allowed hosts, Teams' limits, pictures
messages    posts, edits and personal chats, each by one call
settings    its section of the settings file
platform    what is known of it without its client, and how it is connected
adapter     puts these together behind :class:`bot.chat.port.Chat`
"""
