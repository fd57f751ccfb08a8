"""Recognisers as judges: labels, a small trainer, the generic FCN score."""
