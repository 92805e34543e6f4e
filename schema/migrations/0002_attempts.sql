-- One row for each call to a provider, failed ones too (CONTRACT.md §7).
CREATE TABLE IF NOT EXISTS attempts {{on_cluster}}
(
    request_id UUID,
    attempt_index UInt8,
    started_at DateTime64(6, 'UTC') CODEC(Delta, ZSTD(1)),
    project LowCardinality(String),
    provider LowCardinality(String),
    model LowCardinality(String),
    host LowCardinality(String),
    status Nullable(UInt16),
    outcome LowCardinality(String),
    error_type LowCardinality(String),
    error_message String CODEC(ZSTD(1)),
    reason LowCardinality(String),
    trigger LowCardinality(String),
    variant LowCardinality(String),
    wait_ms Float64 CODEC(ZSTD(1)),
    connect_ms Nullable(Float64) CODEC(ZSTD(1)),
    headers_ms Nullable(Float64) CODEC(ZSTD(1)),
    duration_ms Float64 CODEC(ZSTD(1)),
    response_bytes Nullable(UInt64),
    input_tokens Nullable(UInt32),
    output_tokens Nullable(UInt32),
    cache_read_tokens Nullable(UInt32),
    cache_write_tokens Nullable(UInt32),
    cache_write_1h_tokens Nullable(UInt32),
    reasoning_tokens Nullable(UInt32),
    input_audio_tokens Nullable(UInt32),
    output_audio_tokens Nullable(UInt32),
    input_image_tokens Nullable(UInt32),
    price_id LowCardinality(String),
    cost_usd Nullable(Decimal(18, 9)) CODEC(ZSTD(1)),
    warnings Array(LowCardinality(String)),
    INDEX request_id_bloom request_id TYPE bloom_filter(0.01) GRANULARITY 4
)
ENGINE = {{engine:MergeTree}}
PARTITION BY toYYYYMMDD(started_at)
ORDER BY (started_at, request_id, attempt_index)
TTL toDateTime(started_at) + INTERVAL {{retain_days}} DAY
SETTINGS ttl_only_drop_parts = 1, non_replicated_deduplication_window = 10000,
    replicated_deduplication_window = 10000, replicated_deduplication_window_seconds = 604800
