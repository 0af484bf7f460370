"""Hashes of passwords in the cheapest form of argon2id: one of the product's takes a fifth of a second of CPU."""

from argon2 import PasswordHasher

HASHER = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
DUMMY_HASH = HASHER.hash("a password that is nobody's")
