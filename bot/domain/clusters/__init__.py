"""Failures that are the same, counted together, and what those that are the same have in common.

:mod:`~bot.domain.clusters.grouping` says which failures are one cluster, :mod:`~bot.domain.clusters.samples` whose logs
are read to know, :mod:`~bot.domain.clusters.common` what a cluster has that other tasks have not. All of it is pure,
and the same whatever the order in which tasks were read.
"""
