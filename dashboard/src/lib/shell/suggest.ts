/** What could stand next in the filter bar: fields, verbs and, from the data, values. */
import { knownValues, numberFieldNames, textFieldNames } from '@weir/schema/filters';
import { group } from '../format.ts';

export interface Choice {
  text: string;
  label: string;
  hint: string;
  /** The condition is complete. */
  whole: boolean;
}

/** What /api/values answers. */
export interface Suggestions {
  values: { value: string; requests: number }[];
  /** Why there are none, when the store could not say. */
  why?: string | undefined;
}

/** What to offer, or a sentence in its place. */
export interface Offer {
  choices: Choice[];
  why?: string | undefined;
}

const numberHints: Record<string, string> = {
  duration: '> 2s',
  first_token: '> 800ms',
  cost: '> 0.10',
  status: '= 429',
  tokens: '> 10000',
  input: '> 8000',
  output: '> 1000',
  attempts: '> 1',
};
const fields = [
  'provider',
  'model',
  'outcome',
  'user',
  'session',
  'property.',
  'status',
  'cost',
  'duration',
  'first_token',
  'tokens',
  'operation',
  'text',
  'error',
];
const others = [...textFieldNames, ...numberFieldNames, 'streamed'].filter((name) => !fields.includes(name));

async function values(field: string, like: string, url: URL): Promise<Suggestions> {
  const params = new URLSearchParams({ field, like });
  for (const name of ['range', 'from', 'to']) {
    const value = url.searchParams.get(name);
    if (value !== null) params.set(name, value);
  }
  try {
    const response = await fetch(`/api/values?${params.toString()}`);
    if (!response.ok) return { values: [] };
    return (await response.json()) as Suggestions;
  } catch {
    return { values: [] };
  }
}

const quoted = (value: string): string => (/[",]|\sor\s|^\s|\s$/.test(value) ? JSON.stringify(value) : value);
/** The condition that is being typed: what stands after the last comma. */
const last = (text: string): { before: string; part: string } => {
  const at = text.lastIndexOf(',');
  return { before: text.slice(0, at + 1), part: text.slice(at + 1).trimStart() };
};

export async function suggest(text: string, url: URL): Promise<Offer> {
  const { before, part } = last(text);
  const lead = before === '' ? '' : `${before} `;
  const typed = /^(\S+)\s+(is not|is|contains)\s+(.*)$/i.exec(part);
  if (typed) {
    const [, field = '', op = '', like = ''] = typed;
    const known = knownValues[field]?.filter((value) => value.includes(like));
    const found = known
      ? { values: known.map((value) => ({ value, requests: null })) }
      : await values(field, like, url);
    const choices = found.values.map(({ value, requests }) => ({
      text: `${lead}${field} ${op} ${quoted(value)}`,
      label: value,
      hint: requests === null ? '' : group(requests),
      whole: true,
    }));
    return { ...found, choices };
  }
  if (part.toLowerCase().startsWith('property.')) {
    const found = await values('property', part.slice('property.'.length).trim(), url);
    const choices = found.values.map(({ value, requests }) => ({
      text: `${lead}property.${value} is `,
      label: `property.${value}`,
      hint: group(requests),
      whole: false,
    }));
    return { ...found, choices };
  }
  const word = part.trim().toLowerCase();
  const candidates = word === '' ? fields : [...fields, ...others].filter((name) => name.startsWith(word));
  const choices = candidates.slice(0, 14).map((name) => {
    const hint = numberHints[name];
    if (hint) return { text: `${lead}${name} ${hint.split(' ')[0] ?? ''} `, label: name, hint: hint, whole: false };
    if (name === 'property.') return { text: `${lead}property.`, label: 'property.…', hint: 'your own', whole: false };
    if (name === 'text') return { text: `${lead}text contains `, label: name, hint: 'in bodies', whole: false };
    return { text: `${lead}${name} is `, label: name, hint: 'is', whole: false };
  });
  return { choices };
}
