"""Does the work: claims batches, runs stages, stores results."""
