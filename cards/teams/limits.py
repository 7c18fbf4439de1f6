"""What Teams takes in a card, and how much of it the bot uses.

Forms have limits of their own: :mod:`cards.teams.form`.
"""

ROOM = 35_000
"""UTF-16 units of compact JSON. 40,000 make the 80 KB that Teams takes; the rest is the activity around the card."""
ELEMENTS = 200
SUMMARY = 1_000
PRIMARY = 6
"""Buttons in sight in one row; the others go to its overflow menu."""
ACTION_TEXT, COMMAND, URL = 75, 2_000, 3_000
OPTIONS, OPTION_TEXT, OPTION_VALUE = 100, 100, 500
NARROW, LEAST, COLUMNS = 6, 3, 20
"""Columns of a table on a desktop, how few it may keep for the sake of its rows, and how many with rank 0."""
LABEL_LEAST, LABEL_MOST = 6, 15
"""Units of a fact's label that its column has room for, of 8 pixels each: no word of it breaks on a phone."""
LAST, FEW = 12, 4
"""Lines in sight of a text whose end matters, and how many more it has at least before they are put behind a button."""
TITLE, PARAGRAPH, LABEL, FOOTER, NOTE, ALT = 1_000, 4_000, 300, 1_500, 600, 2_000
CHART_SERIES, CHART_BARS, CHART_NAME = 6, 20, 30
"""Of charts that Teams draws: more is not legible at the width of a phone."""
