import manifest from '../package.json' with { type: 'json' };

/** Weir's own version, as its package says. */
export const version = manifest.version;
