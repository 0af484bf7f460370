"""Scripts that Redis runs, named by verb. Each starts with its KEYS, its ARGV and what it returns."""
