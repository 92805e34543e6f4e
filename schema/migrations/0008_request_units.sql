-- What a call was charged for beside its tokens, and the list's cost where `cost_usd` is the provider's own figure.
ALTER TABLE requests {{on_cluster}}
    ADD COLUMN IF NOT EXISTS units Map(LowCardinality(String), Float64) CODEC(ZSTD(1)) AFTER input_image_tokens,
    ADD COLUMN IF NOT EXISTS list_cost_usd Nullable(Decimal(18, 9)) CODEC(ZSTD(1)) AFTER retry_cost_usd
