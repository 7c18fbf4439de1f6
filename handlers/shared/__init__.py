"""What the commands of several nouns share."""
