"""The use cases: each is one function, without HTTP, medium or factor's name."""
