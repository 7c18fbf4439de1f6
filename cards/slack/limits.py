"""What Slack takes in a message, and how much of it the bot uses.

Forms have limits of their own: :mod:`cards.slack.form`. Counts and characters are Slack's, from its block reference;
where a comment says so they are ours.
"""

BLOCKS = 50
ROOM = 12_000
"""Units of JSON for all blocks of a message."""
SUMMARY = 600
"""Units of the notification text, which Slack cuts or posts in pieces beyond 4,000 characters of escaped text."""
FIELD, FIELDS = 2_000, 10
BUTTON_TEXT, BUTTON_VALUE, URL, ID = 75, 2_000, 3_000, 255
ELEMENTS = 25
OPTIONS, OPTION_TEXT, OPTION_VALUE = 100, 75, 75
PLACEHOLDER = 150
ALT = 2_000
TABLE_ROWS, TABLE_COLUMNS, TABLE_TEXT = 100, 20, 10_000
FIXED_WIDTH = 42
"""Letters of fixed width that a phone shows beside each other, or little more than that."""
NARROW, LEAST = 6, 3
"""Columns that are still readable in Slack's message width, and how few a table may keep for the sake of its rows."""
TITLE, PARAGRAPH, LABEL, FOOTER, NOTE = 1_000, 3_000, 300, 1_200, 600
CHARTS, CHART_SERIES, CHART_BARS, CHART_TITLE, CHART_NAME, AXIS = 2, 6, 20, 50, 20, 50
"""Of the block data_visualization, of which a message holds two. A later source has twelve series: six hold."""
