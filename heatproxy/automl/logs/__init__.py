"""Log lines as templates, and stretches of them as numbers a detector can look at."""
