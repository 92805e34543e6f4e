import type { Plan } from '../../json/plan.ts';
import type { JsonObject } from '../../json/value.ts';
import type { FactsBuilder } from '../facts.ts';
import type { Usage } from '../provider.ts';

/** How one API speaks over a WebSocket: which of its messages belong to a response, and which end it. Pure; never throws. */
export interface RealtimeFormat {
  /** What a message too long to be parsed at once must keep. */
  readonly plan: Plan;
  /** The model that the connection speaks to, where a message of either side names it. */
  model(message: JsonObject): string | null;
  /** The model that writes down what is said to the other one, where a message of the provider names it. */
  transcriber(message: JsonObject): string | null;
  /** What writing it down used, where a message of the provider counts that apart. */
  transcribed(message: JsonObject): JsonObject | null;
  /** A message of the client asks for a response. */
  asks(message: JsonObject): boolean;
  /** A message of the provider says that what was asked is whole, and a response is on its way. */
  hears(message: JsonObject): boolean;
  /** A message of the provider is an error. */
  fails(message: JsonObject): boolean;
  /** The response that a message of the provider is about: its id; '' for the one that goes on; null for none. */
  responseOf(message: JsonObject): string | null;
  /** Adds a message to what its response has said. @returns whether it was the last. */
  fold(facts: FactsBuilder, message: JsonObject): boolean;
  /** The provider's own counts in Weir's convention. */
  usage(raw: JsonObject): Usage | null;
}
