-- What limits count for a call whose usage cannot be known: what it had taken before it was sent.
ALTER TABLE requests {{on_cluster}}
    ADD COLUMN IF NOT EXISTS limit_tokens Nullable(UInt32) CODEC(ZSTD(1)) AFTER list_cost_usd,
    ADD COLUMN IF NOT EXISTS limit_usd Nullable(Decimal(18, 9)) CODEC(ZSTD(1)) AFTER limit_tokens
