/** Fenced blocks of a document, so that what it shows is what is run. */
import { readFileSync } from 'node:fs';

export interface Block {
  /** The heading above it. */
  heading: string;
  text: string;
}

/** Blocks of one language, in order. @param path from the repository's root. */
export function readBlocks(path: string, language: string): Block[] {
  const blocks: Block[] = [];
  let heading = '';
  let open: string[] | undefined;
  let wanted = false;
  for (const line of readFileSync(new URL(`../../${path}`, import.meta.url), 'utf8').split('\n')) {
    if (open === undefined) {
      if (line.startsWith('#')) heading = line.replace(/^#+ /, '');
      if (line.startsWith('```')) [open, wanted] = [[], line === `\`\`\`${language}`];
    } else if (line === '```') {
      if (wanted) blocks.push({ heading, text: open.join('\n') });
      open = undefined;
    } else open.push(line);
  }
  return blocks;
}
