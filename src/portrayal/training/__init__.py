"""Floor 3: the loop all recipes share. It knows batches, steps and files; it does not know GANs."""
