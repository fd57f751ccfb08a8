"""Floor 0: pictures, catalogues, errors, seeds, devices and the run folder."""
