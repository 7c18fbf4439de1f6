"""What the browser shows while there is no built page: plain HTML that needs nothing."""

from __future__ import annotations

from html import escape

_PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>batchbot demo</title>{head}
<meta name="viewport" content="width=device-width, initial-scale=1"></head>
<body><main><h1>{title}</h1>{body}</main></body></html>
"""


def building() -> str:
    """The page is being built: look again in a second."""
    return _PAGE.format(
        head='<meta http-equiv="refresh" content="1">',
        title="The page is being built",
        body="<p>This happens once and takes a few seconds; the progress stands in the terminal.</p>",
    )


def missing(why: str) -> str:
    """There will be no page; the bot can be talked to all the same."""
    return _PAGE.format(
        head="",
        title="The bot runs, this page does not",
        body=f"""
<p>The Slack and Teams panes are built with npm, and that did not work here:</p>
<pre>{escape(why)}</pre>
<p>Talk to the same bot in a terminal instead:</p>
<pre>batchbot chat --demo</pre>
<p>To see the panes, install Node.js 20 or later with npm and start the demo again.</p>""",
    )
