"""The program's side: from the engine's hooks through a ring and a sender thread to the stream of a hub."""
