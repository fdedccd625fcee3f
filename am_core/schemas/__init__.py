"""Schemas: names, states, relations, groups, and their compiled form."""
