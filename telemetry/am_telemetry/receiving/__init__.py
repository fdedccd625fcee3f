"""The hub's side: a gRPC server that checks frames, hands batches to a sink and acknowledges what is durable."""
