"""What leaves the program besides cards: pictures, links, relayed files, and text without secrets."""
