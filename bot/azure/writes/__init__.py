"""Every write of the data plane and of Resource Manager by its name, in the module of its entity.

Each says where it goes and what it takes. Those with ``etag`` are the 22 that the service guards by ``If-Match``
(OpenAPI document 2024-07-01.20.0); the others are the 20 that it does not. All raise
:class:`~bot.azure.errors.AzureError`, and answer :class:`~bot.azure.plane.Written` as soon as Azure has accepted:
what takes longer is followed by reading.
"""
