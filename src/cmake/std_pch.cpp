// Empty: the precompiled header of the layers without libtorch wants a file.
