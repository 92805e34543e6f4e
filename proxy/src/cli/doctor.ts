/** `weir doctor`: is everything here that Weir needs, and does what runs answer? Exit code 1 when something is wrong. */
import { statSync } from 'node:fs';
import { request } from 'undici';
import { openDb } from '@weir/schema/db';
import { freeBytes, leastFreeBytes } from '../disk.ts';
import { parseSettings, type Settings } from '../env.ts';
import { say } from './start.ts';
import { storeUrlOf } from './store-url.ts';

type Finding = { ok: boolean; text: string };

export async function doctor(): Promise<void> {
  const settings = parseSettings(process.env);
  const findings = [
    checkNode(),
    { ok: true, text: 'the settings are understood' },
    ...checkDataDir(settings),
    await checkStore(settings),
    await checkProxy(settings),
  ];
  for (const { ok, text } of findings) say(`${ok ? 'ok   ' : 'WRONG'} ${text}`);
  if (findings.some(({ ok }) => !ok)) process.exitCode = 1;
}

function checkNode(): Finding {
  const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
  const ok = major > 20 || (major === 20 && minor >= 19);
  return { ok, text: `Node ${process.versions.node}${ok ? '' : ': Weir needs 20.19 or newer'}` };
}

function checkDataDir(settings: Settings): Finding[] {
  const path = settings.WEIR_DATA_DIR;
  const stat = statSync(path, { throwIfNoEntry: false });
  if (stat === undefined) return [{ ok: true, text: `${path} does not exist yet: the first start makes it` }];
  const open = (stat.mode & 0o077) !== 0;
  const free = freeBytes(path);
  return [
    { ok: !open, text: open ? `${path} can be read by others: chmod 700 ${path}` : `${path} is private` },
    { ok: free > leastFreeBytes, text: `${(free / 1024 ** 3).toFixed(1)} GiB free on its disk` },
  ];
}

async function checkStore(settings: Settings): Promise<Finding> {
  let url: string;
  try {
    url = storeUrlOf(settings);
  } catch (error) {
    return { ok: false, text: (error as Error).message };
  }
  const db = openDb(url, { application: 'weir-doctor', timeoutMs: 5_000 });
  try {
    const result = await db.query({ query: 'SELECT count() AS requests FROM requests', format: 'JSONEachRow' });
    const [row] = await result.json<{ requests: string }>();
    return { ok: true, text: `the store at ${new URL(url).origin} holds ${row?.requests ?? '?'} requests` };
  } catch (error) {
    return { ok: false, text: `the store at ${new URL(url).origin} does not answer: ${(error as Error).message}` };
  } finally {
    await db.close();
  }
}

async function checkProxy(settings: Settings): Promise<Finding> {
  const url = `http://127.0.0.1:${settings.WEIR_PROXY_PORT}/weir/health`;
  try {
    const { body } = await request(url, { headersTimeout: 5_000 });
    const { status } = (await body.json()) as { status: string };
    return { ok: status === 'ok', text: `the proxy at ${url} says ${status}` };
  } catch {
    return { ok: false, text: `the proxy does not answer at ${url}` };
  }
}
