"""Measurements against named peers, all in one run: ``python -m benchmarks``. Read the ratios, not the milliseconds."""
