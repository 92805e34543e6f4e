import {
  aggregateFunctions,
  combinators,
  functions,
  harmlessNames,
  hiddenTables,
  keywords,
  nodes,
  tableFunctions,
} from './gate-lists.ts';
import { readTokens } from './lexer.ts';

/** One line of EXPLAIN AST. */
interface Node {
  readonly depth: number;
  readonly kind: string;
  readonly name: string;
}

const line = /^( *)([A-Za-z:]+)(?: (.*?))?(?: \(alias .*\))?(?: \(children \d+\))?$/;

/**
 * Reads the parsed statement and says in one sentence what in it is not allowed, or nothing. The tree comes from the
 * engine's own parser; what is not understood is refused.
 */
export function findForbidden(tree: string): string | undefined {
  const path: Node[] = [];
  for (const [at, text] of tree.split('\n').entries()) {
    const match = line.exec(text);
    if (!match) return 'the statement could not be understood';
    const node = { depth: match[1]!.length, kind: match[2]!, name: match[3] ?? '' };
    if (at === 0 && node.kind !== 'SelectWithUnionQuery') return 'only a SELECT is answered';
    // Besides the selects, a statement's root has its FORMAT, its SETTINGS, its file: none is let through here.
    if (at > 0 && node.depth === 1 && node.kind !== 'ExpressionList')
      return 'INTO OUTFILE, FORMAT and SETTINGS are not';
    path.length = Math.min(path.length, node.depth);
    const reason = judge(node, path);
    if (reason) return reason;
    path.push(node);
  }
  return undefined;
}

function judge(node: Node, path: readonly Node[]): string | undefined {
  if (node.kind === 'Set') return 'a SETTINGS clause is not';
  if (!nodes.has(node.kind)) return `${node.kind} is not`;
  if (node.kind === 'TableIdentifier') return judgeTable(node.name);
  if (node.kind === 'Identifier' && isTableOperand(path)) return judgeTable(node.name);
  if (node.kind !== 'Function') return undefined;
  if (path.at(-1)?.kind === 'TableExpression') {
    return tableFunctions.has(node.name.toLowerCase()) ? undefined : `the table function ${short(node.name)} is not`;
  }
  return isFunction(node.name) ? undefined : `the function ${short(node.name)} is not`;
}

/** `x IN name` reads a table of that name: the operand is an argument of a function of the IN family. */
function isTableOperand(path: readonly Node[]): boolean {
  const call = path.at(-2);
  return path.at(-1)?.kind === 'ExpressionList' && call?.kind === 'Function' && /in(ignoreset)?$/i.test(call.name);
}

function judgeTable(name: string): string | undefined {
  const match = /^(?:(weir)\.)?([A-Za-z_][A-Za-z0-9_]*)$/.exec(name);
  if (!match) return `${short(name)} is not: the database weir is`;
  return hiddenTables.has(match[2]!.toLowerCase()) ? `the table ${short(name)} is not` : undefined;
}

function isFunction(name: string): boolean {
  const lower = name.toLowerCase();
  return functions.has(lower) || isCombined(lower);
}

function isCombined(name: string): boolean {
  if (aggregateFunctions.has(name)) return true;
  return combinators.some((suffix) => name.endsWith(suffix) && isCombined(name.slice(0, -suffix.length)));
}

/**
 * The second net, over the engine's own spelling of the statement: some nodes do not show all that is below them. Every
 * name before a bracket is a function that may be called or a keyword; no quoted name can forge a line of the tree.
 */
export function findForbiddenText(sql: string): string | undefined {
  const tokens = [...readTokens(sql)];
  for (const [at, token] of tokens.entries()) {
    const next = tokens[at + 1];
    if (token.kind === 'name' && /[\\\p{Cc}]/u.test(token.text)) return 'names with control characters are not';
    if (token.kind === 'name' && next?.text === '(' && !isListed(token.text.slice(1, -1))) {
      return `the function ${short(token.text)} is not`;
    }
    if (token.kind !== 'word') continue;
    if (next?.text === '(' && !isListed(token.text))
      return `the function ${short(sql.slice(token.start, token.end))} is not`;
    if (token.text === 'IDENTIFIER' && tokens[at - 1]?.text === ':') return 'a parameter of type Identifier is not';
    if (token.text === 'APPLY') return 'APPLY is not';
    if (token.text === 'OUTFILE' || token.text === 'INFILE') return 'files are not';
  }
  return undefined;
}

/**
 * Names in the statement that nothing above has judged. A function may be passed by its bare name
 * (`arrayMap(file, …)`), and then looks like a column everywhere: the gate asks the engine which of these are functions.
 */
export function findUnjudgedNames(sql: string): string[] {
  const found = new Set<string>();
  for (const token of readTokens(sql)) {
    if (token.kind !== 'word' && token.kind !== 'name') continue;
    const name = (token.kind === 'name' ? token.text.slice(1, -1) : token.text).toLowerCase();
    if (!isListed(name) && !harmlessNames.has(name)) found.add(name);
  }
  return [...found];
}

function isListed(name: string): boolean {
  const lower = name.toLowerCase();
  return keywords.has(lower) || tableFunctions.has(lower) || isFunction(lower);
}

function short(name: string): string {
  return name.slice(0, 60).replace(/[^\w.$`"'/:-]/g, '?');
}
