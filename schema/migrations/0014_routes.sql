-- Saved routes: which targets are asked, in which order, and what is done when one fails. `settings` is JSON, as docs/routes.md describes it.
CREATE TABLE IF NOT EXISTS routes {{on_cluster}}
(
    name String,
    version UInt32,
    settings String CODEC(ZSTD(3)),
    enabled Bool,
    deleted Bool,
    created_at DateTime64(6, 'UTC'),
    created_by String,
    updated_at DateTime64(6, 'UTC'),
    updated_by String
)
ENGINE = {{engine:ReplacingMergeTree(updated_at)}}
ORDER BY name
