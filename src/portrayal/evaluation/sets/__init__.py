"""Scores of whole sets of pictures: features, kept by content, and who is in a set."""
