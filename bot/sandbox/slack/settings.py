"""What a stand-in workspace is made of, and the faults it can be told to have."""

from __future__ import annotations

from dataclasses import dataclass, field

SCOPES = frozenset(
    {
        *("app_mentions:read", "commands", "chat:write", "users:read", "usergroups:read", "files:read", "files:write"),
        *("channels:history", "channels:read", "groups:history", "groups:read", "im:history", "im:write"),
        *("links:read", "links:write"),
    }
)
"""What the app was granted at installation: the bot scopes of its manifest."""

EVENTS = frozenset(
    {
        *("app_home_opened", "app_mention", "app_uninstalled", "link_shared", "member_joined_channel", "message.im"),
        "tokens_revoked",
        *(
            "channel_archive",
            "channel_deleted",
            "channel_id_changed",
            "channel_left",
            "channel_rename",
            "channel_unarchive",
        ),
        *("group_archive", "group_deleted", "group_left", "group_rename", "group_unarchive"),
    }
)
"""What the app subscribed to, as its manifest says. ``message.im`` includes edits and the app's own messages, as on
Slack; that the app was removed from a channel is told by ``channel_left`` and never by ``member_left_channel``."""


def scope_of(event: str) -> str:
    """The scope without which an event cannot be subscribed to, by Slack's page of it; "" where it needs none.

    Membership events (``member_*``) come with the scope of either kind of channel, so they are not told apart here.
    """
    kind, _, about = event.partition(".")
    match kind.split("_")[0]:
        case "message":
            return f"{about}:history"
        case "channel":
            return "channels:read"
        case "group":
            return "groups:read"
        case "link":
            return "links:read"
    return "app_mentions:read" if event == "app_mention" else ""


@dataclass(frozen=True, kw_only=True)
class SlackSettings:
    """A workspace with one app installed. Every duration is in seconds.

    Give one address for everything the app receives (``app_url``) or turn ``socket_mode`` on, which sends all of it
    to the app's sockets. The addresses may also be set later, on :class:`SlackStandIn`, when the app knows its port.
    """

    seed: int = 1
    app_url: str = ""
    """Address of the app for events, commands and interactivity; the three below override it one by one."""
    events_url: str = ""
    commands_url: str = ""
    interactivity_url: str = ""
    socket_mode: bool = False
    commands: frozenset[str] = frozenset({"/batch"})
    shortcuts: frozenset[tuple[str, str]] = frozenset({("message", "about"), ("global", "ask")})
    """The app's shortcuts: where they are (of a message, or global), and their callback ids."""
    unfurl_domains: frozenset[str] = frozenset(
        {"portal.azure.com", "portal.azure.us", "portal.azure.cn", "batch.azure.com"}
    )
    """Links to these, and to what lies below them, are told to the app: ``link_shared``."""
    scopes: frozenset[str] = SCOPES
    events: frozenset[str] = EVENTS
    bot_token: str = "xoxb-sandbox-bot"  # noqa: S105 - opens nothing but this sandbox
    app_token: str = "xapp-sandbox-app"  # noqa: S105
    signing_secret: str = "sandbox-signing-secret"  # noqa: S105
    acknowledge_within: float = 3.0
    trigger_lives: float = 3.0
    response_url_lives: float = 1800.0
    response_url_uses: int = 5
    retries: tuple[float, ...] = (0.0, 60.0, 300.0)
    """When a failed event is sent again, counted from the failure before."""
    time_scale: float = 1.0
    """Multiplies every wait of the stand-in itself (``retries``, ``file_processing``, :attr:`Faults.slow`): 0.001
    makes five minutes 0.3 s. Its patience with the app is not scaled. Goes with a clock that runs as much faster."""
    file_processing: tuple[float, float] = (0.5, 1.5)
    """Shortest and longest time from completing an upload until the file can be used."""
    post_burst: int = 4
    """Messages a channel takes at once before one a second is enforced; 0 switches this limit off."""
    tiers: bool = True
    """Enforce the Web API's calls a minute."""


@dataclass
class Faults:
    """What goes wrong from now on. Counters go down with each use; set the fields at any time."""

    outage: bool = False
    """Every request is answered 503; sockets that are open stay so."""
    cut: bool = False
    """Every request is cut before an answer, as when the network is down; nothing is carried out."""
    slow: float = 0.0
    """Seconds that every request waits first."""
    deaf: bool = False
    """Sockets stay open and say nothing more; what should have gone through them is lost."""
    old_blocks: bool = False
    """Charts are refused as invalid_blocks, as in a workspace that Slack has not given them to yet."""
    duplicates: int = 0
    """So many deliveries are made twice."""
    lose_answers: dict[str, int] = field(default_factory=dict)
    """Method or channel id -> how many calls are carried out and then cut before the answer arrives."""
    errors: dict[str, list[str]] = field(default_factory=dict)
    """Method -> error codes its next calls are refused with, first one first."""
    limited: dict[str, int] = field(default_factory=dict)
    """Channel id -> seconds of Retry-After that writing there is refused with, until removed."""
