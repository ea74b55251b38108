"""From a query to moments: encode, retrieve, fuse, hydrate."""
