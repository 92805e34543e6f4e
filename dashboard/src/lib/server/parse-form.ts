import { error } from '@sveltejs/kit';
import type { z } from 'zod';

/** The fields of a form. @throws 400 where it is none that a page of ours sends. */
export function parseForm<T extends z.ZodType>(shape: T, fields: unknown): z.output<T> {
  const parsed = shape.safeParse(fields);
  if (!parsed.success) error(400, 'This form is none that Weir knows, or a field of it is too long.');
  return parsed.data;
}
