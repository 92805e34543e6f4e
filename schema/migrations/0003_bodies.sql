-- What was asked and answered, apart from `requests` so that no list ever reads it; its own, shorter TTL.
CREATE TABLE IF NOT EXISTS bodies {{on_cluster}}
(
    request_id UUID,
    started_at DateTime64(6, 'UTC') CODEC(Delta, ZSTD(1)),
    project LowCardinality(String),
    request String CODEC(ZSTD(3)),
    response String CODEC(ZSTD(3)),
    request_headers Map(LowCardinality(String), String) CODEC(ZSTD(1)),
    response_headers Map(LowCardinality(String), String) CODEC(ZSTD(1)),
    request_truncated Bool,
    response_truncated Bool,
    INDEX request_id_bloom request_id TYPE bloom_filter(0.01) GRANULARITY 4
)
ENGINE = {{engine:MergeTree}}
PARTITION BY toYYYYMMDD(started_at)
ORDER BY (started_at, request_id)
TTL toDateTime(started_at) + INTERVAL {{retain_bodies_days}} DAY
SETTINGS ttl_only_drop_parts = 1, index_granularity = 1024, non_replicated_deduplication_window = 10000,
    replicated_deduplication_window = 10000, replicated_deduplication_window_seconds = 604800
