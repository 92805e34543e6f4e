export interface Piece {
  text: string;
  kind: '' | 'name' | 'value';
}

const LIMIT = 40_000;
const pattern =
  /("(?:[^"\\]|\\.)*")(?=\s*:)|"(?:[^"\\]|\\.)*"|(-?\b\d+(?:\.\d+)?(?:[eE][+-]?\d+)?\b|\b(?:true|false|null)\b)/g;

/** Names and bare values apart, for the eye. Long text stays in one piece; nothing here is HTML. */
export function jsonPieces(text: string): Piece[] {
  if (!/^\s*[[{]/.test(text) && !/^(event|data):/m.test(text)) return [{ text, kind: '' }];
  const head = text.slice(0, LIMIT);
  const pieces: Piece[] = [];
  let end = 0;
  for (const match of head.matchAll(pattern)) {
    const kind = match[1] !== undefined ? 'name' : match[2] !== undefined ? 'value' : '';
    if (kind === '') continue;
    if (match.index > end) pieces.push({ text: head.slice(end, match.index), kind: '' });
    pieces.push({ text: match[0], kind });
    end = match.index + match[0].length;
  }
  pieces.push({ text: text.slice(end), kind: '' });
  return pieces;
}
