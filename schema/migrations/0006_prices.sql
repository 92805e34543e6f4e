-- Prices that people set (CONTRACT.md §7): `own`, a list of rules (docs/prices.md), and `list`, a newer list than the built-in one.
CREATE TABLE IF NOT EXISTS prices {{on_cluster}}
(
    name LowCardinality(String),
    version String,
    document String CODEC(ZSTD(3)),
    updated_at DateTime64(6, 'UTC')
)
ENGINE = {{engine:ReplacingMergeTree(updated_at)}}
ORDER BY name
