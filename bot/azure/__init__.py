"""Every call that leaves for Azure.

Lists and reads go through the SDK's own pipeline (authentication, signing, retries) and are decoded straight into the
typed structs of :mod:`bot.azure.models`; writes go through the SDK's methods. :class:`bot.azure.account.Account` is
the one thing that handlers and watchers hold.
"""
