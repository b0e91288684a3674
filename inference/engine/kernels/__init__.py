"""The kernels in C++: how they are compiled, loaded, and given a model."""
