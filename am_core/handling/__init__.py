"""Handlers: how they are named, found, bound and given their arguments."""
