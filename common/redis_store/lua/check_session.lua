-- requires: session
-- KEYS: revoked, loaded, owner. Returns 'revoked', 'ask' (PostgreSQL knows), or the id of the user whose live session it is.
return user_of_session(unpack(redis.call('MGET', KEYS[1], KEYS[2], KEYS[3])))
