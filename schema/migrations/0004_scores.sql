-- What people and judges said of a request; the same score_id written again replaces the earlier one.
CREATE TABLE IF NOT EXISTS scores {{on_cluster}}
(
    score_id String,
    request_id UUID,
    project LowCardinality(String),
    request_started_at DateTime64(6, 'UTC'),
    name LowCardinality(String),
    value Float64,
    label String,
    comment String,
    source LowCardinality(String),
    scored_at DateTime64(6, 'UTC')
)
ENGINE = {{engine:ReplacingMergeTree(scored_at)}}
PARTITION BY toYYYYMM(request_started_at)
ORDER BY (request_started_at, request_id, score_id)
TTL toDateTime(request_started_at) + INTERVAL {{retain_days}} DAY
