-- What a Weir key may call and administer, and its text before a rotation. Lists: empty is all; `role` is '' for a key that only calls.
ALTER TABLE keys {{on_cluster}}
    ADD COLUMN IF NOT EXISTS owner String,
    ADD COLUMN IF NOT EXISTS providers Array(String),
    ADD COLUMN IF NOT EXISTS models Array(String),
    ADD COLUMN IF NOT EXISTS operations Array(String),
    ADD COLUMN IF NOT EXISTS routes Array(String),
    ADD COLUMN IF NOT EXISTS limits String DEFAULT '[]',
    ADD COLUMN IF NOT EXISTS expires_at Nullable(DateTime64(6, 'UTC')),
    ADD COLUMN IF NOT EXISTS properties Map(String, String),
    ADD COLUMN IF NOT EXISTS log_bodies LowCardinality(String),
    ADD COLUMN IF NOT EXISTS role LowCardinality(String),
    ADD COLUMN IF NOT EXISTS created_by String,
    ADD COLUMN IF NOT EXISTS previous_hash String,
    ADD COLUMN IF NOT EXISTS previous_until Nullable(DateTime64(6, 'UTC'))
