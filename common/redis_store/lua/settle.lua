-- requires: settling
-- Settle entries of the inbox.
-- KEYS: the stream, then the receipts. ARGV: as `settle` reads them.
settle(KEYS[1], 2, 1, function(text) return text end)
