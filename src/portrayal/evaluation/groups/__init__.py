"""Scores per group: columns of the metadata, skin tone, flipped attributes."""
