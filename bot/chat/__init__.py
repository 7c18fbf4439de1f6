"""One module per chat platform behind one small protocol."""
