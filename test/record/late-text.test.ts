/** The text of a request that is read late, or only where something was left out, is the one that is read at once. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { RequestReader } from '../../proxy/src/providers/request.ts';
import { KeptBody } from '../../proxy/src/record/kept.ts';
import { LateText } from '../../proxy/src/record/late-text.ts';

const word = fc.string({ unit: 'grapheme', maxLength: 40 });
const body = fc.record({
  model: word,
  messages: fc.array(
    fc.record({ role: word, content: fc.oneof(word, fc.array(fc.record({ type: word, text: word }))) }),
  ),
  system: word,
  metadata: fc.record({ user_id: word }),
});

test('any request, cut anywhere, kept whole or in part or not at all', () => {
  const lengths = fc.array(fc.integer({ min: 1, max: 60 }), { minLength: 1, maxLength: 20 });
  fc.assert(
    fc.property(body, lengths, fc.oneof(fc.nat(500), fc.constant(0)), fc.boolean(), (value, cuts, limit, broken) => {
      const text = Buffer.from(JSON.stringify(value));
      const bytes = broken ? text.subarray(0, -5) : text;
      const context = { operation: 'chat' as const, path: '/v1/chat/completions', contentType: 'application/json' };
      const atOnce = new RequestReader(context);
      atOnce.feed(bytes);
      const facts = new RequestReader({ ...context, textLater: true });
      const kept = new KeptBody(limit);
      const late = new LateText(kept, context.contentType);
      for (let from = 0, index = 0; from < bytes.length; index++) {
        const chunk = bytes.subarray(from, from + (cuts[index % cuts.length] ?? 1));
        kept.borrow(chunk);
        facts.feed(chunk);
        late.add(chunk);
        from += chunk.length;
      }
      const { text: said, ...others } = atOnce.end();
      expect(late.read()).toEqual(said);
      expect({ ...facts.end(), text: null }).toEqual({ ...others, text: null });
    }),
    { seed: 20_26, numRuns: 300 },
  );
});
