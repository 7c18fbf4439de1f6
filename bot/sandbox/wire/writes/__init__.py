"""The writes of the Batch data plane: one module for the writes of each kind of entity.

`body` reads what was sent, `rules` holds the limits of single properties, `answers` words the successes. What a thing's
state forbids is refused by `bot.sandbox.world`.
"""
