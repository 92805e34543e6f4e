/** What of a large document is worth keeping. A list is transparent: its plan holds for each of its items. */
export interface Plan {
  /** Keep the whole value, within the budgets of the projection. */
  readonly keep?: true;
  /** A string here is text: sampled, not kept whole. */
  readonly text?: true;
  /** The items of a list here are handed on one by one, and not kept. */
  readonly items?: true;
  readonly members?: ReadonlyMap<string, Plan>;
}

export const KEEP: Plan = { keep: true };
export const TEXT: Plan = { text: true };

/** A plan of an object's members; `more` adds what a value may be instead of an object (text, say). */
export function plan(members: Readonly<Record<string, Plan>>, more: Plan = {}): Plan {
  return { ...more, members: new Map(Object.entries(members)) };
}

/** Members kept whole, by name. */
export function keep(...names: readonly string[]): Record<string, Plan> {
  return Object.fromEntries(names.map((name) => [name, KEEP]));
}

/** Several plans at once, for a place that different APIs fill differently. */
export function merge(...plans: readonly Plan[]): Plan {
  const members = new Map<string, Plan>();
  for (const one of plans)
    for (const [name, member] of one.members ?? []) {
      const known = members.get(name);
      members.set(name, known === undefined ? member : merge(known, member));
    }
  return {
    ...(plans.some((one) => one.keep) ? { keep: true as const } : {}),
    ...(plans.some((one) => one.text) ? { text: true as const } : {}),
    ...(members.size > 0 ? { members } : {}),
  };
}
