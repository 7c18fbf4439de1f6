"""The formula language of Azure Batch autoscale: reading, evaluating, checking and trying out formulas.

Its rules are those of the service's page "Create a formula to automatically scale compute nodes in a Batch pool".
"""
