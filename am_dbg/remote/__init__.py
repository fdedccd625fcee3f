"""One user interface on any byte stream: a terminal, an SSH channel, a websocket, or an emulator in a test."""
