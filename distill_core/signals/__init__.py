"""Teacher signals: what teachers say about examples, asked live or read from the cache on disk."""
