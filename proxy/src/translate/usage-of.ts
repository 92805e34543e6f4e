import { FactsBuilder, UNKNOWN_USAGE, knownUsage } from '../providers/facts.ts';
import type { JsonObject } from '../json/value.ts';
import { jsonText } from '../json/value.ts';
import type { Usage } from '../providers/provider.ts';
import type { Emit } from './reply-events.ts';

/** The counts of one reply, gathered as `providers/` gathers them, and told whenever they have changed. */
export class UsageReader {
  readonly #facts = new FactsBuilder();
  #told: string | null = null;

  constructor(
    readonly add: (facts: FactsBuilder, piece: JsonObject) => void,
    readonly read: (raw: JsonObject) => Usage,
    readonly emit: Emit,
  ) {}

  piece(piece: JsonObject): void {
    const before = this.#facts.rawUsage;
    this.add(this.#facts, piece);
    const raw = this.#facts.rawUsage;
    if (raw === null || raw === before) return;
    const usage = knownUsage(this.read(raw));
    const text = jsonText(usage);
    if (usage === null || text === this.#told) return;
    this.#told = text;
    this.emit({ kind: 'usage', usage: { ...UNKNOWN_USAGE, ...usage } });
  }
}
