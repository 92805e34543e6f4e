export interface Piece {
  text: string;
  kind: '' | 'word' | 'value';
}

const pattern =
  /('(?:[^'\\]|\\.)*'|\b\d[\d.]*\b)|\b(SELECT|FROM|WHERE|AND|OR|NOT|IN|IS|NULL|NULLS|LAST|AS|GROUP|BY|GROUPING|SETS|ORDER|DESC|ASC|LIMIT|HAVING|OVER|FINAL|FORMAT)\b/g;

/** Keywords and values apart, for the eye; never HTML. */
export function sqlPieces(text: string): Piece[] {
  const pieces: Piece[] = [];
  let end = 0;
  for (const match of text.matchAll(pattern)) {
    if (match.index > end) pieces.push({ text: text.slice(end, match.index), kind: '' });
    pieces.push({ text: match[0], kind: match[1] === undefined ? 'word' : 'value' });
    end = match.index + match[0].length;
  }
  if (end < text.length) pieces.push({ text: text.slice(end), kind: '' });
  return pieces;
}
