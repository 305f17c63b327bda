"""The panels of the page, one a file. They show what a session tells and call its methods."""
