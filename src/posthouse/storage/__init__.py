"""Storage:  says what the rest of the house may ask; the sub-packages answer it."""
