"""The Azure side, against recordings and a loopback service."""
