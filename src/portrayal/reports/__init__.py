"""Floor 1: files -> HTML. Reports read what runs left behind, never models; no torch here."""
