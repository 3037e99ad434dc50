"""Whatever a model wrote, read: the states of an input, the slots of a header, what is read and what is said of it."""
