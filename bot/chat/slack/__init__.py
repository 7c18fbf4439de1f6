"""Slack, over Bolt: signed HTTP or Socket Mode in, Web API out. :mod:`bot.chat.slack.adapter` is the platform."""
