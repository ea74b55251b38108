"""One file per published figure; each is a ratio measured in one run."""
