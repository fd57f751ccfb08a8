"""Floor 6: scores of a run or of two folders, with intervals."""
