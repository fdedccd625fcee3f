"""From one hub to another: reads a session file with a cursor and sends what it finds, as the programs would.

A forwarder is a reader of the file and a client of the other hub, so it slows nobody down, needs no memory for what
waits, and goes on where it was after either hub was away.
"""
