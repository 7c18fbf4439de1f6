"""Failures of a job, a pool, a schedule or an account, those that are the same together."""
