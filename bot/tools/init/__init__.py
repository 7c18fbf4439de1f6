"""From nothing to a settings file, the packages of the chats, and a list of what is left to do (``batchbot init``)."""
