import type { RouteFacts } from '../../proxy/src/routing/facts.ts';

/** A call that says nothing of itself but what is given. */
export function factsOf(given: Partial<RouteFacts> = {}): RouteFacts {
  return {
    ...{
      requestId: 'request-0',
      operation: 'chat',
      model: 'gpt-5',
      user: '',
      session: '',
      project: 'default',
      keyId: '',
    },
    ...{ properties: {}, bytes: 100, at: Date.parse('2027-03-03T12:00:00Z') },
    ...given,
  };
}
