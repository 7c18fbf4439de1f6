"""A Slack workspace in one process, as strict as Slack: what works against it works there."""

from bot.sandbox.slack.deliver import Acknowledged
from bot.sandbox.slack.errors import StandInError
from bot.sandbox.slack.settings import Faults, SlackSettings
from bot.sandbox.slack.stand_in import SlackStandIn

__all__ = ["Acknowledged", "Faults", "SlackSettings", "SlackStandIn", "StandInError"]
