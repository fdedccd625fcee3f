"""Signals, waiters and contexts: what may happen once, and who wants to know."""
