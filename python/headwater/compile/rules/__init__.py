"""The checks of a compile, a rule a file. A new rule is a file and a line here."""
