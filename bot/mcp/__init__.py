"""The commands as tools of the Model Context Protocol: what reads is answered, a change is asked about in the chat.

Nothing but :mod:`bot.mcp.answer`, :mod:`bot.mcp.server` and :mod:`bot.mcp.http` needs the package ``mcp``, which is an
extra: a bot without ``[[mcp]]`` in its settings runs without it.
"""
