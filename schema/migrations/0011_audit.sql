-- Who changed what: appended to, never changed. `before` and `after` are JSON without secrets, '' where there is none.
CREATE TABLE IF NOT EXISTS audit {{on_cluster}}
(
    audit_id UUID,
    at DateTime64(6, 'UTC'),
    actor String,
    actor_name String,
    action LowCardinality(String),
    kind LowCardinality(String),
    id String,
    project LowCardinality(String),
    before String CODEC(ZSTD(3)),
    after String CODEC(ZSTD(3))
)
ENGINE = {{engine:MergeTree}}
ORDER BY (at, audit_id)
