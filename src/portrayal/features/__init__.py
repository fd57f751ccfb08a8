"""Floor 1: frozen pretrained networks and detectors."""
