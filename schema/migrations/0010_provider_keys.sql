-- Provider keys that Weir holds, encrypted (docs/keys.md): AES-256-GCM under a data key, which is wrapped under a key made of
-- WEIR_SECRET. `host` is '' for the provider's own, the origin for a target that callers name. What was deleted has no ciphertext.
CREATE TABLE IF NOT EXISTS provider_keys {{on_cluster}}
(
    provider_key_id String,
    provider LowCardinality(String),
    place String,
    host String,
    name String,
    weight UInt16,
    enabled Bool,
    deleted Bool,
    wrap_nonce String,
    wrapped_key String,
    nonce String,
    ciphertext String,
    last4 String,
    fingerprint String,
    created_at DateTime64(6, 'UTC'),
    created_by String,
    updated_at DateTime64(6, 'UTC')
)
ENGINE = {{engine:ReplacingMergeTree(updated_at)}}
ORDER BY provider_key_id
