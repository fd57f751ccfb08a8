"""Several runs in one table: shared pictures, paired tests, cost."""
