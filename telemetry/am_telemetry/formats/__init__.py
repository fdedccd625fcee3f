"""Readers of recordings and streams that other programs wrote. Pure functions of bytes: nothing here opens a socket."""
