/**
 * Builds the workspaces whose sources are newer than their output, so that `npm start` is quick the second time.
 * `node build.mjs --force` builds everything; names of workspaces build those alone.
 */
import { spawn } from 'node:child_process';
import { readdirSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = dirname(fileURLToPath(import.meta.url));
const force = process.argv.includes('--force');
const quiet = !process.argv.includes('--verbose');

/** What each workspace is made of, and the file that a build writes last. */
const workspaces = [
  { name: 'schema', sources: ['schema'], output: 'schema/dist/store.js' },
  { name: 'proxy', sources: ['schema/src', 'proxy'], output: 'proxy/dist/cli.js' },
  { name: 'dashboard', sources: ['schema/src', 'dashboard'], output: 'dashboard/build/index.js' },
];
const outputs = new Set(['node_modules', 'dist', 'build', '.svelte-kit']);

function newest(path) {
  const stat = statSync(path);
  if (!stat.isDirectory()) return stat.mtimeMs;
  let time = 0;
  for (const entry of readdirSync(path, { withFileTypes: true })) {
    if (!outputs.has(entry.name)) time = Math.max(time, newest(join(path, entry.name)));
  }
  return time;
}

function isStale({ sources, output }) {
  const built = statSync(join(root, output), { throwIfNoEntry: false })?.mtimeMs ?? 0;
  return sources.some((source) => newest(join(root, source)) > built);
}

function build({ name }) {
  return new Promise((resolve, reject) => {
    const child = spawn('npm', ['run', 'build', '--silent', '--workspace', name], {
      cwd: root,
      stdio: ['ignore', 'pipe', 'pipe'],
      shell: process.platform === 'win32',
    });
    let output = '';
    for (const stream of [child.stdout, child.stderr]) {
      stream.on('data', (chunk) => {
        output += chunk;
        if (!quiet) process.stderr.write(chunk);
      });
    }
    child.on('exit', (code) => {
      if (code === 0) return resolve();
      if (quiet) process.stderr.write(output);
      reject(new Error(`The build of ${name} failed.`));
    });
  });
}

const named = process.argv.slice(2).filter((word) => !word.startsWith('--'));
const stale = workspaces.filter(
  (workspace) => (named.length === 0 || named.includes(workspace.name)) && (force || isStale(workspace)),
);
if (stale.length > 0) {
  process.stderr.write(`Building ${stale.map(({ name }) => name).join(', ')} …\n`);
  try {
    await Promise.all(stale.map(build));
  } catch (error) {
    process.stderr.write(`${error.message}\n`);
    process.exit(1);
  }
}
