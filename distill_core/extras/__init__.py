"""What can be measured of a finished run on request: a learning curve without teachers, and arms that leave one out."""
