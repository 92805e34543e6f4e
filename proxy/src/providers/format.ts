import type { Plan } from '../json/plan.ts';
import type { JsonObject } from '../json/value.ts';
import type { FactsBuilder } from './facts.ts';
import type { Operation, Usage } from './provider.ts';

/** A reply's header by its lower-case name. */
export type HeaderOf = (name: string) => string | null;

/** One reply format: how a whole reply, and each event of a stream, add to what is known. Pure; never throws. */
export interface Format {
  /** What a document too large to parse at once must keep, for whole replies and for events. */
  readonly plan: Plan;
  /** What the reply's headers say, before its body. */
  head?(facts: FactsBuilder, header: HeaderOf): void;
  reply(facts: FactsBuilder, body: JsonObject): void;
  event(facts: FactsBuilder, event: JsonObject, name: string): void;
  /** A stream that ends with its last choice finished is whole, whether or not an end mark follows. */
  readonly endsWithFinish?: true;
  /** A stream has no mark of its end: it is whole when its bytes were not cut. */
  readonly endsWithBytes?: true;
  /** What was stored is handed out again: an error that it tells is not this reply's. */
  readonly stored?: true;
  /** The provider's own counts in Weir's convention; `null` where they are not this call's. */
  usage(raw: JsonObject): Usage | null;
}

/** Where one provider departs from the API it speaks. Declared on its row, asked by shared code. */
export interface Quirks {
  /** Its own formats; `null`: the one that everybody has for this operation and path. */
  readonly formatOf?: (operation: Operation, path: string) => Format | null;
  /** Chat counts, after they were read the usual way. */
  readonly chatUsage?: (usage: Usage, raw: JsonObject) => Usage;
  /** Every other count of the OpenAI shape. */
  readonly otherUsage?: (usage: Usage, raw: JsonObject) => Usage;
  /** The provider's own price for the call, from its raw usage. */
  readonly reportedCost?: (raw: JsonObject) => string | null;
  /** The type of an error where it stands in a header. */
  readonly errorType?: (header: HeaderOf) => string | null;
}
