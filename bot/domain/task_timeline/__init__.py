"""When tasks waited, for what, and when they ran: the facts behind the pictures of ``timeline``."""
