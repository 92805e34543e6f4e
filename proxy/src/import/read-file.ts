/** Text of a configuration as values. What a parser complains of is told by line alone: its own words would repeat the text, secrets too. */
import { LineCounter, parseDocument } from 'yaml';
import { ImportError } from './notes.ts';

/** @throws ImportError */
export function readJson(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    const { line } = readDocument(text);
    throw new ImportError(`The file is not JSON${line === undefined ? '' : `: look at line ${line}`}.`);
  }
}

/** @throws ImportError */
export function readYaml(text: string): unknown {
  const { value, line } = readDocument(text);
  if (line === undefined) return value;
  throw new ImportError(`The file is not YAML: look at line ${line}.`);
}

/** JSON is YAML too, and its parser knows lines. */
function readDocument(text: string): { value?: unknown; line?: number } {
  const lineCounter = new LineCounter();
  const document = parseDocument(text, { lineCounter, prettyErrors: false });
  const [error] = document.errors;
  if (error !== undefined) return { line: lineCounter.linePos(error.pos[0]).line };
  try {
    return { value: document.toJS() as unknown };
  } catch {
    // An anchor that is not there, or aliases without end.
    return { line: 1 };
  }
}
