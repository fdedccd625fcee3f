"""Telemetry of state machines: the one-line tracer, the wire, the collector and the session file."""
