/** `weir audit`: who changed what in keys and provider keys, the newest first. */
import type { z } from 'zod';
import { pageLimit, readAudit, type auditView } from '../admin/audit.ts';
import { makeDesk, sayTable } from './desk.ts';
import { withOwnStore } from './own-store.ts';
import { say } from './start.ts';
import { check, parseWords } from './usage.ts';

const usage = 'Usage: npm run weir -- audit [--limit N] [--json]';

export async function audit(words: string[]): Promise<void> {
  const options = { limit: { type: 'string', default: '50' }, json: { type: 'boolean', default: false } } as const;
  const { values } = parseWords({ args: words, options }, usage);
  const most = check('--limit', pageLimit, values.limit);
  await withOwnStore('weir-cli', async (db, settings) => {
    const { entries } = await readAudit(db, makeDesk(db, settings).actor, { limit: most, after: undefined });
    if (values.json) for (const entry of entries) say(JSON.stringify(entry));
    else sayTable([['at', 'who', 'what', 'which', 'changed'], ...entries.map(lineOf)]);
  });
}

function lineOf(entry: z.output<typeof auditView>): string[] {
  return [entry.at, entry.actor_name, `${entry.action} ${entry.kind}`, entry.id, changed(entry.before, entry.after)];
}

/** The members that differ, where there is a before and an after. */
function changed(before: unknown, after: unknown): string {
  if (before === null || after === null) return '';
  const [one, other] = [before as Record<string, unknown>, after as Record<string, unknown>];
  const names = Object.keys(other).filter((name) => JSON.stringify(one[name]) !== JSON.stringify(other[name]));
  return names.filter((name) => name !== 'updated_at').join(', ');
}
