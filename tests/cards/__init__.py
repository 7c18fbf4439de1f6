"""Tests of cards and their renderers."""
