/** Words of the command line: read strictly, refused in one sentence, with exit code 2. */
import { parseArgs, type ParseArgsConfig } from 'node:util';
import type { z } from 'zod';

/** The command was called wrongly: nothing was tried. */
export class UsageError extends Error {
  override name = 'UsageError';
}

/** `parseArgs` whose complaints say how it is done. @throws UsageError */
export function parseWords<const T extends ParseArgsConfig>(config: T, usage: string): ReturnType<typeof parseArgs<T>> {
  try {
    return parseArgs(config);
  } catch (error) {
    // The first sentence names the word; the rest explains how to pass it as an argument all the same.
    const [what = ''] = (error instanceof Error ? error.message : String(error)).split('. ');
    throw new UsageError(`${what.replace(/\.$/, '')}.\n${usage}`);
  }
}

/** The value of an option as its schema has it. @throws UsageError that names the option. */
export function check<T extends z.ZodType>(option: string, schema: T, value: unknown): z.output<T> {
  const result = schema.safeParse(value);
  if (!result.success) throw new UsageError(`${option}: ${result.error.issues[0]?.message ?? 'unreadable'}.`);
  return result.data;
}
