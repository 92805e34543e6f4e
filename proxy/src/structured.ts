/** Headers in the syntax of RFC 9651, with errors that say which and what was expected. */
import { WeirError } from './errors.ts';

/** @throws WeirError `bad_header` that names the header. */
export function parseField<T>(name: string, value: string, expected: string, parse: (text: string) => T): T {
  try {
    return parse(value);
  } catch {
    throw new WeirError('bad_header', `${name}: does not parse as an RFC 9651 field; expected ${expected}.`);
  }
}
