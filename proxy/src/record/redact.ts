/** Blacks out personal data in what is kept of a body (`Weir-Log: redact=(email card phone)`). What passes is untouched. */
import type { RedactKind } from '../instructions.ts';

const patterns: Record<RedactKind, (text: string) => string> = {
  email: (text) => text.replace(/[\w.+-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63}){1,8}/g, '[email]'),
  card: (text) => text.replace(/\b\d(?:[ -]?\d){12,18}\b/g, (digits) => (passesLuhn(digits) ? '[card]' : digits)),
  phone: (text) => text.replace(/(?<![\w.])(?:\+|00)\d(?:[ ()./-]{0,2}\d){6,14}(?!\w)/g, '[phone]'),
};

export function redact(text: string, kinds: readonly string[]): string {
  return kinds.reduce((rest, kind) => patterns[kind as RedactKind]?.(rest) ?? rest, text);
}

/** The check digit of payment cards (ISO/IEC 7812-1): without it every long number would be taken for a card. */
function passesLuhn(text: string): boolean {
  const digits = [...text].filter((character) => character >= '0' && character <= '9').map(Number);
  const sum = digits.reverse().reduce((total, digit, index) => {
    if (index % 2 === 0) return total + digit;
    return total + (digit > 4 ? digit * 2 - 9 : digit * 2);
  }, 0);
  return sum % 10 === 0;
}
