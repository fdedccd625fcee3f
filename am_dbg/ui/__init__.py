"""The Textual user interface: dumb widgets over the session and its view-models."""
