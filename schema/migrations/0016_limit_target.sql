-- Where limits counted a call, where that is neither the provider that answered nor the model that the client named.
ALTER TABLE requests {{on_cluster}}
    ADD COLUMN IF NOT EXISTS limit_provider LowCardinality(String) AFTER limit_usd,
    ADD COLUMN IF NOT EXISTS limit_model LowCardinality(String) AFTER limit_provider
