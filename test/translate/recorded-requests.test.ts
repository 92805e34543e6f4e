/** Requests that programs really sent mean the same in the other dialects, or say what they lose. */
import { describe, expect, test } from 'vitest';
import { WeirError } from '../../proxy/src/errors.ts';
import { translateRequest, type TranslatedDialect } from '../../proxy/src/translate/translate.ts';
import { ABSENT, recordingsPresent } from '../providers/recordings.ts';
import type { Meaning } from './meaning.ts';
import { meaningOf } from './meaning.ts';
import { dialects, models, takeRecordings } from './traffic.ts';

if (!recordingsPresent) console.warn(ABSENT);

interface Went {
  body: Record<string, unknown>;
  warnings: readonly string[];
}

function translate(from: TranslatedDialect, to: TranslatedDialect, body: Record<string, unknown>): Went | string {
  try {
    const made = translateRequest({ from, to, body, streamed: false, model: models[to], askedModel: 'asked' });
    return { body: JSON.parse(made.body.toString()) as Record<string, unknown>, warnings: made.warnings };
  } catch (error) {
    if (!(error instanceof WeirError)) throw error;
    expect(error.code).toBe('bad_request');
    return error.message;
  }
}

/** One of all is any. */
function choiceOf({ choice, tools }: Meaning): string {
  return choice.split(',').length === tools.length && tools.length > 1 ? 'any' : choice;
}

/** What may differ, because it is said that it does. */
function allowed(meaning: Meaning, warnings: readonly string[], defaults: boolean): Meaning {
  const told = (token: string): boolean => warnings.some((warning) => warning.startsWith(token));
  return {
    ...meaning,
    system: told('moved_to_start') ? '' : meaning.system,
    said: told('dropped:is_error')
      ? meaning.said.map((line) => (line.startsWith('result') ? 'result' : line))
      : meaning.said,
    temperature: told('clamped:') ? null : meaning.temperature,
    // What a dialect does when it is told nothing is told others as nothing, or as the same.
    choice: /^(?:auto|validated)$/.test(meaning.choice) || meaning.tools.length === 0 ? '' : choiceOf(meaning),
    limit: defaults ? null : meaning.limit,
  };
}

describe.skipIf(!recordingsPresent)('recorded requests', () => {
  const taken = takeRecordings().filter((one) => one.status < 300);

  test.each(dialects.flatMap((from) => dialects.filter((to) => to !== from).map((to) => [from, to] as const)))(
    '%s as %s, and back: the same meaning or a sentence',
    (from, to) => {
      const refusals = new Map<string, number>();
      const wrong: string[] = [];
      let same = 0;
      let back = 0;
      let oneWay = 0;
      const own = taken.filter((one) => one.dialect === from);
      for (const { id, request } of own) {
        const went = translate(from, to, request);
        if (typeof went === 'string') {
          const kind = went.replace(/\[\d+\]/g, '[]');
          refusals.set(kind, (refusals.get(kind) ?? 0) + 1);
          continue;
        }
        const given = meaningOf(from, request);
        const noLimit = given.limit === null;
        const expected = allowed(given, went.warnings, noLimit);
        const actual = allowed(meaningOf(to, went.body), went.warnings, noLimit);
        if (JSON.stringify(actual) === JSON.stringify(expected)) same++;
        else
          wrong.push(`${id}\n  ${JSON.stringify(expected).slice(0, 1500)}\n  ${JSON.stringify(actual).slice(0, 1500)}`);
        const again = translate(to, from, went.body);
        if (typeof again === 'string') {
          oneWay++;
          continue;
        }
        const warnings = [...went.warnings, ...again.warnings];
        const returned = allowed(meaningOf(from, again.body), warnings, noLimit);
        const first = allowed(given, warnings, noLimit);
        if (JSON.stringify(returned) === JSON.stringify(first)) back++;
        else
          wrong.push(
            `${id} back\n  ${JSON.stringify(first).slice(0, 1500)}\n  ${JSON.stringify(returned).slice(0, 1500)}`,
          );
      }
      const refused = [...refusals.values()].reduce((sum, count) => sum + count, 0);
      console.log(
        `${from} as ${to}: ${own.length} requests, ${same} the same, ${back} the same again, ${oneWay} refused on the way back, ${refused} refused`,
      );
      console.log([...refusals].map(([sentence, count]) => `  ${count} ${sentence}`).join('\n'));
      expect(wrong.join('\n')).toBe('');
      expect(same + refused).toBe(own.length);
      expect(oneWay).toBeLessThan(own.length * 0.05);
      expect(same).toBeGreaterThan(own.length * 0.6);
    },
  );
});
