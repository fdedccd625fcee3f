"""The life of a mutation: accepted, queued, executed, ended; with the runners that call handlers."""
