"""Sweeps over settings: a grid or Optuna."""
