"""Blind studies: plan, material, votes, results."""
