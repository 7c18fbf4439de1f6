"""What to do about an account before it goes wrong or costs more: facts in, recommendations out. Pure.

Rules about one kind of thing have a module; :mod:`.judge` asks all of them, :mod:`.course` says what became of earlier
recommendations. What is advised about money comes from :mod:`bot.domain.money.advice`, as in the weekly post.
"""
