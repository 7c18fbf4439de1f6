"""The neutral card, its builders and its renderers."""
