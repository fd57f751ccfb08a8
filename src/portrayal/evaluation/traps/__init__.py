"""Checks against traps: leaks, memorisation, shortcuts."""
