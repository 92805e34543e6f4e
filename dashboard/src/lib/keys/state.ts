/** What the list says of a key. Pure. */
import type { Key } from '../server/administration/keys.ts';
import { list, plural } from '../format.ts';

const SOON = 7 * 86_400_000;
export interface Tag {
  text: string;
  /** The part of the palette: `warn`, `acc` or none. */
  look: '' | 'warn' | 'acc';
}

export const isActive = (key: Key, now: number): boolean =>
  !key.disabled && (key.expires_at === null || Date.parse(key.expires_at) > now);

/** What is out of the ordinary, the most important first. */
export function tagsOf(key: Key, now: number): Tag[] {
  const tags: Tag[] = [];
  const left = key.expires_at === null ? Infinity : Date.parse(key.expires_at) - now;
  if (key.disabled) tags.push({ text: 'disabled', look: 'warn' });
  else if (left <= 0) tags.push({ text: 'expired', look: 'warn' });
  else if (left < SOON) tags.push({ text: `expires in ${inWords(left)}`, look: 'warn' });
  if (key.role !== '') tags.push({ text: key.role, look: 'acc' });
  if (key.previous_until !== null && Date.parse(key.previous_until) > now)
    tags.push({ text: `old text for ${inWords(Date.parse(key.previous_until) - now)}`, look: '' });
  return tags;
}

function inWords(ms: number): string {
  const hours = ms / 3_600_000;
  if (hours < 1) return plural(Math.max(1, Math.round(ms / 60_000)), 'minute');
  return hours < 48 ? plural(Math.round(hours), 'hour') : plural(Math.round(hours / 24), 'day');
}

/** `openai and google; gpt-5*; chat`, or that nothing is restricted. */
export function allowed(key: Pick<Key, 'providers' | 'models' | 'operations' | 'routes'>): string {
  const lists = [key.providers, key.models, key.operations, key.routes.map((name) => `route ${name}`)];
  const words = lists.filter((names) => names.length > 0).map((names) => few(names));
  return words.length === 0 ? 'everything' : words.join('; ');
}

const few = (names: readonly string[]): string =>
  names.length <= 4 ? list(names) : `${names.slice(0, 3).join(', ')} and ${names.length - 3} more`;
