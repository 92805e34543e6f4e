#!/usr/bin/env node
/** The command line: `npm run weir -- <command>`. */
import { UsageError } from './usage.ts';

type Run = (words: string[]) => Promise<void>;

/** Loaded when it is run: a question to the store need not wait until the whole proxy has been read. */
const commands: Record<string, { words: string; help: string; load: () => Promise<Run> }> = {
  start: { words: '', help: 'starts store, proxy and dashboard', load: async () => (await import('./start.ts')).start },
  demo: {
    words: '',
    help: 'the same on data of its own, with simulated providers and traffic',
    load: async () => (await import('../demo/demo.ts')).demo,
  },
  key: {
    words: 'create | list | show | update | rotate | disable',
    help: 'Weir keys: what they may call and administer',
    load: async () => (await import('./key.ts')).key,
  },
  limit: {
    words: 'add | list | enable | disable | remove',
    help: 'limits for all calls: so much of requests, tokens, dollars, or at once',
    load: async () => (await import('./limit.ts')).limit,
  },
  route: {
    words: 'list | save | show | versions | restore | dry-run | …',
    help: 'saved routes: splits, fallbacks, retries, rules, by name',
    load: async () => (await import('./route.ts')).route,
  },
  'provider-key': {
    words: 'add | list | update | replace | disable | remove | …',
    help: 'provider keys that Weir holds, encrypted',
    load: async () => (await import('./provider-key.ts')).providerKey,
  },
  audit: {
    words: '[--limit N] [--json]',
    help: 'who changed what, the newest first',
    load: async () => (await import('./audit.ts')).audit,
  },
  import: {
    words: 'portkey | litellm FILE [--out FILE] [--apply] …',
    help: 'another gateway’s configuration as routes: a dry run first',
    load: async () => (await import('./import.ts')).importRoutes,
  },
  compare: {
    words: 'URL [--provider NAME] [--calls N] [--stream] …',
    help: 'the same calls straight to a provider and through Weir, in turns',
    load: async () => (await import('./compare.ts')).compare,
  },
  backup: {
    words: '[--to DIR] [--base DIR]',
    help: 'writes all tables to a new folder',
    load: async () => (await import('./backup.ts')).backup,
  },
  restore: {
    words: 'DIR',
    help: 'fills a new data directory from a backup',
    load: async () => (await import('./backup.ts')).restore,
  },
  move: {
    words: '--to URL',
    help: 'copies everything to another ClickHouse, verified',
    load: async () => (await import('./move.ts')).move,
  },
  prices: {
    words: '[set FILE | update [FILE | URL] | built-in]',
    help: 'shows the prices in force; sets one’s own; takes a newer list',
    load: async () => (await import('./prices.ts')).prices,
  },
  reprice: {
    words: '--from DAY [--to DAY] [--model NAME] [--yes]',
    help: 'prices what is recorded again, by the prices in force now',
    load: async () => (await import('./reprice.ts')).reprice,
  },
  sql: {
    words: '"SELECT …" [--format NAME] [--out FILE] …',
    help: 'asks the store: a table on a terminal, JSON lines in a pipe, any format in a file',
    load: async () => (await import('./sql.ts')).runSql,
  },
  'sql-user': {
    words: '--name NAME [--print] [--url URL]',
    help: 'makes a read-only user with limits on a ClickHouse server',
    load: async () => (await import('./sql-user.ts')).createSqlUser,
  },
  doctor: {
    words: '',
    help: 'checks the machine, the settings and what runs',
    load: async () => (await import('./doctor.ts')).doctor,
  },
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
  process.stdout.write(`${help()}\n`);
  process.exit(name === 'help' || name === '--help' ? 0 : 2);
}
const run = await command.load();
run(words).catch((error: unknown) => {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
  process.exit(error instanceof UsageError ? 2 : 1);
});
