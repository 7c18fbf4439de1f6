"""What every store offers, whatever it is made of."""
