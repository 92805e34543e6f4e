#!/usr/bin/env node
/** The command line: `npm run weir -- <command>`. */
import { demo } from '../demo/demo.ts';
import { backup, restore } from './backup.ts';
import { doctor } from './doctor.ts';
import { createKey } from './key.ts';
import { move } from './move.ts';
import { createSqlUser } from './sql-user.ts';
import { runSql } from './sql.ts';
import { say, start } from './start.ts';
import { UsageError } from './usage.ts';

const commands: Record<string, { words: string; help: string; run: (words: string[]) => Promise<void> }> = {
  start: { words: '', help: 'starts store, proxy and dashboard', run: start },
  demo: { words: '', help: 'the same on data of its own, with simulated providers and traffic', run: demo },
  key: {
    words: 'create [--name NAME] [--project PROJECT]',
    help: 'makes a Weir key and shows it once',
    run: createKey,
  },
  backup: { words: '[--to DIR] [--base DIR]', help: 'writes all tables to a new folder', run: backup },
  restore: { words: 'DIR', help: 'fills a new data directory from a backup', run: restore },
  move: { words: '--to URL', help: 'copies everything to another ClickHouse, verified', run: move },
  sql: {
    words: '"SELECT …" [--format NAME] [--out FILE] …',
    help: 'asks the store: a table on a terminal, JSON lines in a pipe, any format in a file',
    run: runSql,
  },
  'sql-user': {
    words: '--name NAME [--print] [--url URL]',
    help: 'makes a read-only user with limits on a ClickHouse server',
    run: createSqlUser,
  },
  doctor: { words: '', help: 'checks the machine, the settings and what runs', run: doctor },
};

function help(): string {
  const lines = Object.entries(commands).map(
    ([name, { words, help: text }]) => `  ${`${name} ${words}`.padEnd(50)} ${text}`,
  );
  return ['Usage: npm run weir -- <command>', '', ...lines].join('\n');
}

const [name = 'help', ...words] = process.argv.slice(2);
const command = commands[name];
if (command === undefined) {
  say(help());
  process.exit(name === 'help' || name === '--help' ? 0 : 2);
}
command.run(words).catch((error: unknown) => {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
  process.exit(error instanceof UsageError ? 2 : 1);
});
