/** An entry of the audit in a few words. Pure. */
import type { AuditRow } from '@weir/schema/records';
import { limitPolicy } from '@weir/schema/settings/limit';
import { routeSettings } from '@weir/schema/settings/route';
import { routeInWords } from '@weir/schema/settings/route-words';
import { z } from 'zod';
import { limitInWords } from './limits.ts';

const verbs: Record<string, string> = {
  create: 'made',
  update: 'changed',
  rotate: 'gave a new text to',
  disable: 'disabled',
  restore: 'restored an earlier version of',
  replace_secret: 'replaced the secret of',
  delete: 'removed',
  rotate_secret: 'wrapped again',
};
const nouns: Record<string, string> = { key: 'key', provider_key: 'provider key', limit: 'limit', route: 'route' };
/** Where the page of each is. */
const pages: Record<string, string> = { key: '/keys/', provider_key: '/keys/provider/', route: '/routes/' };
/** Of no interest beside what was done. */
const silent = new Set([
  ...['updated_at', 'updated_by', 'created_at', 'created_by', 'key_id', 'provider_key_id', 'limit_id', 'disabled'],
  'enabled',
]);

export interface Change {
  verb: string;
  noun: string;
  /** What people call it; its id where it has no name. */
  name: string;
  /** Where its page is; undefined when it is gone. */
  href: string | undefined;
  /** The fields that differ, each with its value before and after. */
  fields: { field: string; before: string; after: string }[];
}

export function readChange(row: AuditRow): Change {
  const [before, after] = [parse(row.before), parse(row.after)];
  const now = after ?? before ?? {};
  const fields = before && after ? Object.keys(after).filter((field) => !silent.has(field)) : [];
  return {
    verb: enabled(before, after) ?? verbs[row.action] ?? row.action,
    noun: nouns[row.kind] ?? row.kind,
    name: typeof now['name'] === 'string' && now['name'] !== '' ? now['name'] : row.id,
    href: after === null || !(row.kind in pages) ? undefined : pages[row.kind] + encodeURIComponent(row.id),
    fields: fields
      .map((field) => ({ field, before: text(before?.[field]), after: text(after?.[field]) }))
      .filter((one) => one.before !== one.after),
  };
}

const limits = z.array(limitPolicy).min(1);
const words = z.array(z.string());

/** A value as a person reads it; nothing is `–`. */
function text(value: unknown): string {
  if (value === null || value === undefined || value === '') return '–';
  if (typeof value === 'string') return value;
  const asLimits = limits.safeParse(value);
  if (asLimits.success) return asLimits.data.map((limit) => `${limit.name}: ${limitInWords(limit)}`).join('; ');
  const asRoute = routeSettings.safeParse(value);
  if (asRoute.success) return routeInWords(asRoute.data);
  const asWords = words.safeParse(value);
  if (asWords.success) return asWords.data.join(', ') || '–';
  return JSON.stringify(value);
}

/** Switched on again: the audit has no word of its own for it. */
function enabled(before: Fields | null, after: Fields | null): string | undefined {
  const on = (fields: Fields | null): unknown => fields?.['enabled'] ?? (fields && !fields['disabled']);
  return before && after && on(before) === false && on(after) === true ? 'enabled' : undefined;
}

type Fields = Record<string, unknown>;

function parse(text: string): Fields | null {
  try {
    const value = JSON.parse(text) as unknown;
    return typeof value === 'object' && value !== null ? (value as Fields) : null;
  } catch {
    return null;
  }
}
