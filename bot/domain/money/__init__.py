"""Money: what cores cost and did not earn, the bill, forecasts, anomalies and receipts. Pure."""
