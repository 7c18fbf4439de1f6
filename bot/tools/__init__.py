"""Programs beside the running bot: the demo, the console and the pages that are made from the code."""
