"""Portrayal: train an image-to-image translator on your own pictures, and know how good it is."""

__version__ = "0.1.0"
