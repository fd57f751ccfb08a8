"""Floor 2: pictures of any kind -> dataset folder -> batches."""
