/**
 * The one neutral form of a request: what a reader makes of a dialect and a writer makes a dialect of. It knows no
 * dialect's names but those by which a refusal speaks to the client ({@link Question.names}).
 */
import type { JsonObject } from '../json/value.ts';

/** The dialects that are translated; the names are those of the operations. */
export type TranslatedDialect = 'chat' | 'messages' | 'generate_content';

/** A provider's seal on its own reasoning. It means something only to the dialect that made it. */
export interface Signature {
  /** `redacted` is Anthropic's reasoning that nobody may read: all of it is in the value. `chat` has none; it says only whose the text is. */
  readonly of: TranslatedDialect | 'redacted';
  readonly value: string;
}

export interface TextPart {
  readonly kind: 'text';
  readonly text: string;
  readonly signature?: Signature;
  /** A mark of Anthropic's prompt cache, where the client set one. */
  readonly cache?: JsonObject;
}

export interface ThinkingPart {
  readonly kind: 'thinking';
  readonly text: string;
  readonly signature: Signature | null;
}

/** A file in a conversation: its bytes, or where they are. */
export interface MediaPart {
  readonly kind: 'media';
  readonly what: 'image' | 'document' | 'audio' | 'video';
  readonly mimeType: string | null;
  readonly base64: string | null;
  readonly url: string | null;
  readonly name: string | null;
  /** Where the client wrote it: `messages[0].content[1].image_url`. */
  readonly at: string;
  readonly signature?: Signature;
  readonly cache?: JsonObject;
}

export interface CallPart {
  readonly kind: 'call';
  readonly id: string;
  readonly name: string;
  readonly args: JsonObject;
  readonly signature?: Signature;
  readonly cache?: JsonObject;
}

export interface ResultPart {
  readonly kind: 'result';
  readonly id: string;
  /** The tool's name: found by the id in the calls before it. */
  readonly name: string | null;
  readonly parts: readonly (TextPart | MediaPart)[];
  readonly failed: boolean;
  readonly at: string;
  readonly cache?: JsonObject;
}

export type Part = TextPart | ThinkingPart | MediaPart | CallPart | ResultPart;

export interface Turn {
  readonly role: 'user' | 'assistant';
  readonly parts: readonly Part[];
}

export interface Tool {
  readonly name: string;
  readonly description: string | null;
  /** JSON Schema of the arguments. */
  readonly schema: JsonObject;
  readonly strict: boolean | null;
  readonly cache?: JsonObject;
}

export type ToolChoice =
  | { readonly kind: 'auto' | 'none' | 'any' }
  /** One of these must be called. */
  | { readonly kind: 'named'; readonly names: readonly string[] };

/** The answer must be JSON; `schema` null: any JSON. */
export interface AnswerFormat {
  readonly schema: JsonObject | null;
  readonly name: string | null;
  readonly description: string | null;
  readonly strict: boolean | null;
}

export const efforts = ['none', 'minimal', 'low', 'medium', 'high', 'xhigh', 'max'] as const;
export type Effort = (typeof efforts)[number];

export interface Reasoning {
  readonly effort: Effort | null;
  /** Tokens; `auto`: as many as the model likes. */
  readonly budget: number | 'auto' | null;
  /** Whether the client wants to see it; null: it does not say. */
  readonly shown: boolean | null;
}

/** Everything that a client may have said and another dialect may not have, by what this dialect calls it. */
export interface FieldNames {
  readonly count: string;
  readonly seed: string;
  readonly topK: string;
  readonly temperature: string;
  readonly frequencyPenalty: string;
  readonly presencePenalty: string;
  readonly format: string;
  readonly reasoning: string;
  readonly user: string;
  readonly tier: string;
  readonly parallel: string;
  readonly choice: string;
  readonly tools: string;
  readonly turns: string;
}

export interface Question {
  readonly system: readonly TextPart[];
  readonly turns: readonly Turn[];
  readonly tools: readonly Tool[];
  readonly choice: ToolChoice | null;
  /** Several calls in one answer; null: the dialect's default, which is yes everywhere. */
  readonly parallel: boolean | null;
  readonly maxTokens: number | null;
  readonly temperature: number | null;
  readonly topP: number | null;
  readonly topK: number | null;
  readonly seed: number | null;
  readonly frequencyPenalty: number | null;
  readonly presencePenalty: number | null;
  readonly stop: readonly string[];
  /** How many answers; null: one. */
  readonly count: number | null;
  readonly format: AnswerFormat | null;
  readonly reasoning: Reasoning | null;
  readonly user: string | null;
  /** `standard` is a provider's ordinary tier, `auto` what it likes; the others are those of OpenAI. */
  readonly tier: 'auto' | 'standard' | 'flex' | 'priority' | null;
  /** The last turn is an answer that the model shall go on with. */
  readonly begun: boolean;
  /** The client asked for the usage of a stream. */
  readonly streamUsage: boolean;
  readonly names: FieldNames;
}

/** Turns of one role that follow each other are one. */
export function mergeTurns(turns: readonly Turn[]): Turn[] {
  const merged: { role: Turn['role']; parts: Part[] }[] = [];
  for (const turn of turns) {
    const last = merged.at(-1);
    if (last?.role === turn.role) last.parts.push(...turn.parts);
    else merged.push({ role: turn.role, parts: [...turn.parts] });
  }
  return merged;
}

/** The text of these parts as one. */
export function joinText(parts: readonly { readonly text: string }[], between = '\n\n'): string {
  return parts.map((part) => part.text).join(between);
}

/** One of all tools is any of them, which more servers understand. */
export function widenChoice(choice: ToolChoice | null, tools: readonly Tool[]): ToolChoice | null {
  if (choice?.kind !== 'named' || choice.names.length < 2) return choice;
  const { names } = choice;
  return tools.every((tool) => names.includes(tool.name)) ? { kind: 'any' } : choice;
}
