/** Whoever asks, as one who changes what people edit. */
import type { Actor, Desk } from '../admin/desk.ts';
import { WeirError } from '../errors.ts';
import type { Asked } from './endpoint.ts';

/** @throws never where the endpoint needs a role: `answer` has found a key of it. */
export function actorOf(caller: Asked<unknown, unknown>['caller']): Actor {
  if (caller === null) throw new WeirError('unauthorized', 'Send a Weir key: Weir-Key: wk_….');
  return { id: caller.keyId, name: caller.name, settings: caller };
}

/** Where they change something. */
export function desk({ api, caller, user }: Pick<Asked<unknown, unknown>, 'api' | 'caller' | 'user'>): Desk {
  const actor = actorOf(caller);
  return {
    db: api.db,
    // Who holds the key is certain, for whom they act is what they say.
    actor: user === '' ? actor : { ...actor, name: `${actor.name}, for ${user}` },
    masterSecret: api.settings.WEIR_SECRET,
    took: (table, row) => api.edited.took(table, row),
  };
}
