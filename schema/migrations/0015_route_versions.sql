-- Every version of every saved route, kept for good: what `route_version` of a request meant. Appended to, never changed.
CREATE TABLE IF NOT EXISTS route_versions {{on_cluster}}
(
    name String,
    version UInt32,
    settings String CODEC(ZSTD(3)),
    at DateTime64(6, 'UTC'),
    actor String,
    actor_name String
)
ENGINE = {{engine:MergeTree}}
ORDER BY (name, version)
