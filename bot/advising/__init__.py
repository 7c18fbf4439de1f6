"""Looks for what to do about accounts: when somebody asks, and by itself in the background; keeps what became of it.

What is looked for is :mod:`bot.domain.recommendations`; here it is read (:mod:`.gather`), kept (:mod:`.look`) with who
did it (:mod:`.trail`), and looked at by the hour (:mod:`.keeper`).
"""
