import type { ShownKey } from '../server/administration/keys.ts';
import type { KeyValues } from './values.ts';

/** What an action of the key pages answers: either what was done, or what was wrong beside what was typed. */
export interface KeyAnswer {
  /** A key with its text, which is shown this once. */
  made?: ShownKey;
  done?: string;
  sentence?: string;
  errors?: Record<string, string>;
  values?: KeyValues;
}

/** The same for a provider key: what was typed comes back, its secret never. */
export interface ProviderKeyAnswer {
  done?: string;
  sentence?: string;
  errors?: Record<string, string>;
  values?: ProviderKeyValues;
}

export interface ProviderKeyValues {
  provider: string;
  place: string;
  host: string;
  name: string;
  weight: string;
}
