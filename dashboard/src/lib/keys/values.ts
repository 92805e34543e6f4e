/** A form's fields as they are typed: what is shown again when something in it is wrong. */
export interface LimitValues {
  name: string;
  unit: string;
  quota: string;
  /** A number of seconds that has a name, `seconds`, a calendar window, or '' for none. */
  window: string;
  seconds: string;
  zone: string;
  by: string[];
  property: string;
  /** What it was counted by, as it came: the order in which it is written is kept. */
  was: string;
  action: string;
  /** JSON; kept as it is, there is no field for it. */
  match: string;
}

export interface KeyValues {
  name: string;
  project: string;
  owner: string;
  role: string;
  providers: string[];
  models: string;
  operations: string[];
  routes: string;
  properties: string;
  expires: string;
  log_bodies: string;
  limits: LimitValues[];
}

export const emptyLimit = (zone: string): LimitValues => ({
  name: '',
  unit: 'requests',
  quota: '',
  window: '60',
  seconds: '',
  zone,
  by: [],
  property: '',
  was: '',
  action: 'refuse',
  match: '{}',
});

/** What is wrong at a field or below it: `limits.0.window` finds `limits.0.window.zone`. */
export function errorAt(errors: Record<string, string> | undefined, field: string): string | undefined {
  const found = Object.keys(errors ?? {}).find((one) => one === field || one.startsWith(`${field}.`));
  return found === undefined ? undefined : errors?.[found];
}
