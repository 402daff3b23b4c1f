// Holds the precompiled ATen headers that the layers reuse.
