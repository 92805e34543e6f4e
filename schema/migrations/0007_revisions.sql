-- What was changed in rows that are otherwise written once (CONTRACT.md §7): one row for each day of a revision.
CREATE TABLE IF NOT EXISTS revisions {{on_cluster}}
(
    revision_id UUID,
    day Date,
    kind LowCardinality(String),
    state LowCardinality(String),
    who String,
    range_from DateTime64(6, 'UTC'),
    range_to DateTime64(6, 'UTC'),
    filter String,
    prices String,
    requests UInt64,
    changed UInt64,
    unpriced_before UInt64,
    unpriced_after UInt64,
    cost_before_usd Nullable(Decimal(18, 9)),
    cost_after_usd Nullable(Decimal(18, 9)),
    started_at DateTime64(6, 'UTC'),
    updated_at DateTime64(6, 'UTC')
)
ENGINE = {{engine:ReplacingMergeTree(updated_at)}}
ORDER BY (revision_id, day)
