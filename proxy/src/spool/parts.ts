import { derivedId } from '../derived-id.ts';

/**
 * The rows of a connection: each response is a part of it. The first has the connection's own id, by which the client knows
 * it; the id of a later one follows from that and its number, so that after a crash it is known again.
 */
export function partId(connectionId: string, part: number): string {
  return part === 0 ? connectionId : derivedId('part', connectionId, String(part));
}
