"""Recommendations: what to do about an account, and what people said of it."""
