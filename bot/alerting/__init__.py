"""Alerting: from findings to incidents, and by the stages of :mod:`bot.alerting.pipeline` to messages in the outbox."""
