"""What a mutation would do: mutations and transitions as records, the resolver, and what it remembers."""
