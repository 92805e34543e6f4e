-- Weir's own keys. A key's text is never stored: `hash` is its SHA-256, enough for 256 random bits.
CREATE TABLE IF NOT EXISTS keys {{on_cluster}}
(
    key_id String,
    hash FixedString(64),
    name String,
    project LowCardinality(String),
    created_at DateTime64(6, 'UTC'),
    disabled Bool,
    updated_at DateTime64(6, 'UTC')
)
ENGINE = {{engine:ReplacingMergeTree(updated_at)}}
ORDER BY key_id
