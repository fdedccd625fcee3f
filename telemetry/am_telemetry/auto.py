"""Importing this module is the same as calling ``am_telemetry.init()``."""

from am_telemetry import init

handle = init()
