"""Moving an embedded installation into a cluster, without running a model."""
