"""Scores that need other subjects beside the own: matches with floors, verification."""
