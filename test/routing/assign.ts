/** `tsx assign.ts a b c`: the variants of 5,000 users in one line, by a split whose variants stand in this order. */
import { splitPolicy } from '@weir/schema/settings/route';
import { assign } from '../../proxy/src/routing/split.ts';
import { factsOf } from './facts.ts';

const weights: Record<string, number> = { a: 50, b: 30, c: 20 };
const to = process.argv.slice(2).map((name) => ({ name, target: `openai/${name}`, weight: weights[name] }));
const split = splitPolicy.parse({ name: 'checkout', by: 'user', to });
const names = Array.from(
  { length: 5_000 },
  (_, index) => assign(split, factsOf({ user: `user-${index}` })).variant.name,
);
process.stdout.write(names.join(''));
