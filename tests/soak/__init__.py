"""Killed at random, again and again: nothing is lost, nothing is told twice."""
