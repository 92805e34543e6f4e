/** What every stream is told the same way, whatever its dialect: who answered, what was counted, and that it is over. */
import type { Usage } from '../providers/provider.ts';
import type { TranslatedDialect } from './conversation.ts';
import { errorEvent } from './errors.ts';
import type { ReplyEvent } from './reply-events.ts';

/** What an answer is made of. */
export type ContentEvent = Exclude<ReplyEvent, { kind: 'about' | 'usage' | 'error' | 'end' }>;

export class StreamFrame {
  id: string | null = null;
  model: string | null = null;
  usage: Usage | null = null;
  #over = false;

  /** @param write what each dialect says in its own way. */
  constructor(
    private readonly dialect: TranslatedDialect,
    private readonly write: { content: (event: ContentEvent) => string; end: () => string },
  ) {}

  /** The text of an event; '' for one that is only remembered, and after the end. */
  take(event: ReplyEvent): string {
    if (this.#over) return '';
    switch (event.kind) {
      case 'about':
        this.id ??= event.id;
        this.model ??= event.model;
        return '';
      case 'usage':
        this.usage = event.usage;
        return '';
      case 'error':
        this.#over = true;
        return errorEvent(event.error, this.dialect);
      case 'end':
        this.#over = true;
        return this.write.end();
      default:
        return this.write.content(event);
    }
  }
}
