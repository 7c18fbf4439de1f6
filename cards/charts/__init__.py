"""Charts: a specification that is data, and a pure function that draws it."""
