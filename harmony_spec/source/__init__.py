"""One kind of input, text or token ids, damage remembered; positions in it."""
