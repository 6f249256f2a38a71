"""How closely patients are followed, and their visits brought in line."""
