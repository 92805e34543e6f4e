/** Patterns with `*` for any characters, none included. Everything else stands for itself, upper and lower case apart. */

/**
 * Whether a pattern matches all of a text. A text that is a pattern itself is matched only where every text of it would be:
 * its `*` can only fall under one of `pattern`'s, so that this also says whether one pattern covers another.
 */
export function matchesPattern(pattern: string, text: string): boolean {
  let [at, to] = [0, 0];
  /** The last `*`, and where in the text what it stands for begins to be tried. */
  let [star, tried] = [-1, 0];
  while (to < text.length) {
    if (pattern[at] === '*') {
      star = at++;
      tried = to;
    } else if (at < pattern.length && pattern[at] === text[to]) {
      at++;
      to++;
    } else if (star !== -1) {
      at = star + 1;
      to = ++tried;
    } else return false;
  }
  while (pattern[at] === '*') at++;
  return at === pattern.length;
}
