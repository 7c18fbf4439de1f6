"""The whole program as a process of its own, against the sandbox and both chats, with a fast clock."""
