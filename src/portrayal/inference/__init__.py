"""Floor 5: a run folder -> a translator -> pictures of any size."""
