-- Limits that people save: each holds for all calls that it matches. `policy` is JSON, as docs/limits.md describes it.
CREATE TABLE IF NOT EXISTS limits {{on_cluster}}
(
    limit_id String,
    policy String,
    enabled Bool,
    deleted Bool,
    created_at DateTime64(6, 'UTC'),
    created_by String,
    updated_at DateTime64(6, 'UTC')
)
ENGINE = {{engine:ReplacingMergeTree(updated_at)}}
ORDER BY limit_id
