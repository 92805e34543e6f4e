/**
 * The answers of a Gemini batch whose requests were sent in its body: they stand in the batch itself, which a client fetches
 * until it is done (ai.google.dev/gemini-api/docs/batch-api, `response.inlinedResponses` of the finished operation). Each is
 * read as it arrives and let go: bounded however many there are.
 */
import { keep, merge, plan, type Plan } from '../json/plan.ts';
import { ProjectionReader } from '../json/project.ts';
import { asObject, asText } from '../json/value.ts';
import { geminiReply, lineOf, type BatchLine } from './batch-lines.ts';
import { generateFormat } from './google/generate.ts';
import type { Dialect } from './provider.ts';
import { ERROR_PLAN } from './read-error.ts';

const ANSWER: Plan = {
  ...merge(ERROR_PLAN, plan({ metadata: plan(keep('key')), response: generateFormat.plan })),
  items: true,
};
const BATCH = plan({ response: plan({ inlinedResponses: plan({ inlinedResponses: ANSWER }) }) });

/** @returns the batch that a path fetches; null for every other path. */
export function fetchedBatch(method: string, path: string): string | null {
  return method === 'GET' ? (/\/v1(?:alpha|beta)\/batches\/([^/:]+)$/.exec(path)?.[1] ?? null) : null;
}

export class InlineAnswers {
  readonly #reader: ProjectionReader;
  #count = 0;

  constructor(
    private readonly batch: string,
    private readonly dialect: Dialect,
    private readonly take: (line: BatchLine) => void,
  ) {
    this.#reader = new ProjectionReader(BATCH, { onItem: (item) => this.#answer(item) });
  }

  feed(chunk: Uint8Array): void {
    this.#reader.feed(chunk);
  }

  end(): void {
    this.#reader.end();
  }

  /** Its key is the caller's own, and may be missing; its place in the batch is always the same. */
  #answer(item: unknown): void {
    const place = this.#count++;
    const answer = asObject(item);
    const found = answer === null ? null : geminiReply(answer);
    if (answer === null || found === null) return;
    const customId = asText(asObject(answer['metadata'])?.['key']) ?? '';
    const names = [this.batch, 'inline', String(place)];
    this.take(lineOf(found, this.dialect, { names, batch: this.batch, customId, text: null }));
  }
}
