"""From what was found to what people read: incidents, who is told, when it is held back, and the letters."""
