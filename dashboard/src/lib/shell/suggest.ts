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

async function values(field: string, like: string, url: URL): Promise<{ value: string; requests: number }[]> {
  const params = new URLSearchParams({ field, like });
  for (const name of ['range', 'from', 'to']) {
    const value = url.searchParams.get(name);
    if (value !== null) params.set(name, value);
  }
  try {
    const response = await fetch(`/api/values?${params.toString()}`);
    if (!response.ok) return [];
    return (await response.json()) as { value: string; requests: number }[];
  } catch {
    return [];
  }
}

const quoted = (value: string): string => (/[",]|\sor\s|^\s|\s$/.test(value) ? JSON.stringify(value) : value);
/** The condition that is being typed: what stands after the last comma. */
const last = (text: string): { before: string; part: string } => {
  const at = text.lastIndexOf(',');
  return { before: text.slice(0, at + 1), part: text.slice(at + 1).trimStart() };
};

export async function suggest(text: string, url: URL): Promise<Choice[]> {
  const { before, part } = last(text);
  const lead = before === '' ? '' : `${before} `;
  const typed = /^(\S+)\s+(is not|is|contains)\s+(.*)$/i.exec(part);
  if (typed) {
    const [, field = '', op = '', like = ''] = typed;
    const known = knownValues[field]?.filter((value) => value.includes(like));
    const found = known ? known.map((value) => ({ value, requests: null })) : await values(field, like, url);
    return found.map(({ value, requests }) => ({
      text: `${lead}${field} ${op} ${quoted(value)}`,
      label: value,
      hint: requests === null ? '' : group(requests),
      whole: true,
    }));
  }
  if (part.toLowerCase().startsWith('property.')) {
    const names = await values('property', part.slice('property.'.length).trim(), url);
    return names.map(({ value, requests }) => ({
      text: `${lead}property.${value} is `,
      label: `property.${value}`,
      hint: group(requests),
      whole: false,
    }));
  }
  const word = part.trim().toLowerCase();
  const candidates = word === '' ? fields : [...fields, ...others].filter((name) => name.startsWith(word));
  return candidates.slice(0, 14).map((name) => {
    const hint = numberHints[name];
    if (hint) return { text: `${lead}${name} ${hint.split(' ')[0] ?? ''} `, label: name, hint: hint, whole: false };
    if (name === 'property.') return { text: `${lead}property.`, label: 'property.…', hint: 'your own', whole: false };
    if (name === 'text') return { text: `${lead}text contains `, label: name, hint: 'in bodies', whole: false };
    return { text: `${lead}${name} is `, label: name, hint: 'is', whole: false };
  });
}
