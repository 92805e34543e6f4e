/** What a route may look at in a call. */
import type { Operation } from '../providers/provider.ts';

export interface RouteFacts {
  requestId: string;
  operation: Operation;
  /** The model that the call asks for; '' where nobody can say. */
  model: string;
  /** The end user: of a header, or of the body. */
  user: string;
  session: string;
  project: string;
  keyId: string;
  properties: Readonly<Record<string, string>>;
  /** Of the body. */
  bytes: number;
  /** ms since 1970. */
  at: number;
}

/** What a call is counted or assigned by; '' where it does not say. @param by `user`, `session`, `request` or `property:<name>`. */
export function unitOf(by: string, facts: RouteFacts): string {
  switch (by) {
    case 'user':
      return facts.user;
    case 'session':
      return facts.session;
    case 'request':
      return facts.requestId;
    default: {
      const name = by.slice('property:'.length);
      return Object.hasOwn(facts.properties, name) ? (facts.properties[name] ?? '') : '';
    }
  }
}
