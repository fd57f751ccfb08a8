"""Floor 7: pages and their API. Optional: pip install "portrayal[web]"."""
