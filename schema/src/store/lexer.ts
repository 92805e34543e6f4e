export interface Token {
  readonly kind: 'word' | 'name' | 'string' | 'number' | 'mark';
  /** Text of the token; words in upper case. */
  readonly text: string;
  readonly start: number;
  readonly end: number;
  /** How many brackets are open around it. */
  readonly depth: number;
}

const word = /[A-Za-z_][\w$]*/y;
const number = /\d[\w.]*/y;
const space = /(?:\s+|--[^\n]*|#[! ][^\n]*|\/\*[\s\S]*?\*\/)+/y;
const heredoc = /\$(\w*)\$[\s\S]*?\$\1\$/y;
const quoted: Record<string, RegExp> = {
  "'": /'(?:[^'\\]|\\[\s\S]|'')*'/y,
  '"': /"(?:[^"\\]|\\[\s\S]|"")*"/y,
  '`': /`(?:[^`\\]|\\[\s\S]|``)*`/y,
};

/**
 * Cuts SQL into tokens, lazily: what follows an INSERT's FORMAT is data and is never looked at. It only finds where a
 * statement's clauses stand; whether the statement is valid, and what it may do, the engine's own parser says.
 */
export function* readTokens(sql: string): Generator<Token> {
  let at = 0;
  let depth = 0;
  for (;;) {
    at = skip(space, sql, at);
    const char = sql[at];
    if (char === undefined) return;
    const start = at;
    let kind: Token['kind'] = 'mark';
    const pattern = quoted[char];
    if (pattern) {
      at = skip(pattern, sql, at);
      kind = char === "'" ? 'string' : 'name';
    } else if (char === '$' && skip(heredoc, sql, at) > at) {
      at = skip(heredoc, sql, at);
      kind = 'string';
    } else if (skip(word, sql, at) > at) {
      at = skip(word, sql, at);
      kind = 'word';
    } else if (skip(number, sql, at) > at) {
      at = skip(number, sql, at);
      kind = 'number';
    }
    if (at === start) at += 1;
    if (kind === 'mark' && ')]}'.includes(char)) depth -= 1;
    const text = sql.slice(start, at);
    yield { kind, text: kind === 'word' ? text.toUpperCase() : text, start, end: at, depth };
    if (kind === 'mark' && '([{'.includes(char)) depth += 1;
  }
}

function skip(pattern: RegExp, sql: string, at: number): number {
  pattern.lastIndex = at;
  return pattern.test(sql) ? pattern.lastIndex : at;
}
