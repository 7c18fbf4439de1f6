"""The bot itself: help, status, saved queries."""
