"""One Batch account and all of them."""
