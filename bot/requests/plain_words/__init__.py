"""Plain words: what people write becomes the command that they mean, by a small grammar and without a model.

Only what :mod:`bot.requests.registry` cannot read as a command comes here. :mod:`tidy` takes off what clients and
politeness put around it, :mod:`spelled` reads the options of a command as people write them (``for 2 hours``),
:mod:`tagging` finds known names, times and the words of ``vocabulary.toml``, and :mod:`meaning` makes commands of them.
All of it is pure and takes far less than a millisecond. What changes anything is never inferred: it is offered.
"""
