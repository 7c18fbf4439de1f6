"""How clusters are told: what they have in common, when, and how many they were before."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

from bot.domain.clusters.common import Common
from bot.domain.clusters.model import Cluster
from cards.formatting import plural, share
from cards.text_fit import elide

_NODE = 22
"""Characters of a node's id in a sentence: its two ends distinguish the nodes of a pool."""


def common_words(found: Common, zone: ZoneInfo, at: datetime) -> str:
    """``all on 2 nodes``, ``94 % on spot nodes``, ``all since 13:40``, ``all with package renderer 2.1``."""
    if found.what == "since" and found.since:
        return f"all since {clock(found.since, zone, at)}"
    many = "all" if found.whole else share(found.share)
    match found.what:
        case "node":
            nodes = found.values
            where = f"node {elide(nodes[0], _NODE)}" if len(nodes) == 1 else plural(len(nodes), "node")
            words = f"{many} on {where}"
        case "kind":
            words = f"{many} on {found.values[0]} nodes"
        case "job":
            words = f"{many} in job {found.values[0]}"
        case "pool":
            words = f"{many} in pool {found.values[0]}"
        case "size":
            words = f"{many} on {found.values[0]}"
        case "package":
            words = f"{many} with package {found.values[0]}"
        case "image":
            words = f"{many} in image {found.values[0]}"
        case _:
            raise AssertionError(found.what)
    return f"{words} ({share(found.among_all)} of all tasks)"


def clock(moment: datetime, zone: ZoneInfo, at: datetime) -> str:
    """``13:40`` of the day of ``at``, else ``Mon 23 Nov 13:40``."""
    local, today = moment.astimezone(zone), at.astimezone(zone)
    if local.date() == today.date():
        return f"{local:%H:%M}"
    return f"{local:%a} {local.day} {local:%b %H:%M}"


def times(cluster: Cluster, zone: ZoneInfo, at: datetime, *, begun: bool = False) -> str:
    """``13:40 – 14:02``: when the first and the last of them ended; ``last 14:02`` where it is said since when."""
    first, last = cluster.first, cluster.last
    if first is None or last is None:
        return ""
    begin, end = clock(first, zone, at), clock(last, zone, at)
    if begun:
        return f"last {end}"
    if begin == end:
        return f"at {begin}"
    if begin[:-5] == end[:-5]:
        end = end[-5:]
    return f"{begin} – {end}"
