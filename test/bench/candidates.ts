/** What is compared: each candidate runs in processes of its own, started and warmed before it is measured. */
import { fork, spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { startStore, type RunningStore } from '@weir/schema/store/spawn';
import { firstKey } from '../support/administration.ts';
import { within } from '../support/deadline.ts';
import { reachesStore, startProxy } from '../support/weir.ts';

const here = dirname(fileURLToPath(import.meta.url));

export interface Candidate {
  name: string;
  /** Base of `/v1/chat/completions`. */
  url: string;
  /** Processes whose CPU time counts. */
  pids: number[];
  stop(): Promise<void>;
}

async function forked(
  script: string,
  environment: Record<string, string>,
): Promise<{ child: ChildProcess; url: string }> {
  const child = fork(join(here, script), [], { env: { PATH: process.env.PATH, ...environment }, execArgv: [] });
  const [message] = (await within(10_000, `${script} listens`, once(child, 'message'))) as [{ url: string }];
  return { child, url: message.url };
}

async function end(child: ChildProcess): Promise<void> {
  const exited = once(child, 'exit');
  child.kill('SIGTERM');
  await within(10_000, 'a candidate ends', exited);
}

export async function startUpstream(): Promise<Candidate> {
  const { child, url } = await forked('upstream.mjs', {});
  return { name: 'direct', url, pids: [], stop: () => end(child) };
}

export async function startRelay(upstream: string): Promise<Candidate> {
  const { child, url } = await forked('relay.mjs', { UPSTREAM: upstream });
  return { name: 'node relay', url, pids: [child.pid ?? 0], stop: () => end(child) };
}

export interface WeirCandidate extends Candidate {
  /** Where its rows go, with the password and without. */
  store: Pick<RunningStore, 'url' | 'adminUrl'>;
  /** Text of its first key. */
  key: string;
}

/** Weir, with everything recorded. */
export async function startWeirCandidate(upstream: string): Promise<WeirCandidate> {
  const dataDir = mkdtempSync(join(tmpdir(), 'weir-bench-'));
  const store = await startStore({ dataDir, port: 0, deadline: 120_000 });
  const proxy = await startProxy(dataDir, { CLICKHOUSE_URL: store.adminUrl, WEIR_UPSTREAM_OPENAI: upstream });
  await reachesStore(proxy.url);
  return {
    name: 'weir',
    url: `${proxy.url}/openai`,
    pids: [proxy.child.pid ?? 0],
    store,
    key: firstKey(dataDir),
    stop: async () => {
      await proxy.stop();
      await store.stop();
      rmSync(dataDir, { recursive: true, force: true });
    },
  };
}

export function hasNginx(): boolean {
  return spawnSync('nginx', ['-v']).status === 0;
}

export async function startNginx(upstream: string): Promise<Candidate> {
  const home = mkdtempSync(join(tmpdir(), 'weir-nginx-'));
  const port = await freePort();
  const config = `
worker_processes 1; daemon off; pid ${home}/pid; error_log ${home}/error.log;
events { worker_connections 8192; }
http {
  log_format bodies escape=json '$request_time $status $request_body';
  access_log off; client_max_body_size 0; client_body_buffer_size 256k; client_body_temp_path ${home}/b; proxy_temp_path ${home}/p; fastcgi_temp_path ${home}/f;
  uwsgi_temp_path ${home}/u; scgi_temp_path ${home}/s; keepalive_requests 1000000;
  map $content_length $log_it { default 0; "~^\\d{6}" 1; }
  upstream provider { server ${new URL(upstream).host}; keepalive 256; keepalive_requests 1000000; }
  server {
    listen 127.0.0.1:${port};
    # The nearest that nginx comes to recording: what was asked, in a file. Only for large bodies, which the gate compares so.
    access_log ${home}/bodies.log bodies if=$log_it;
    location / { proxy_pass http://provider; proxy_http_version 1.1; proxy_set_header Connection ""; proxy_buffering off; }
  }
}`;
  writeFileSync(join(home, 'nginx.conf'), config);
  const child = spawn('nginx', ['-p', home, '-c', join(home, 'nginx.conf')], { stdio: 'ignore' });
  await new Promise((resolve) => setTimeout(resolve, 500));
  const workers = readFileSync(`/proc/${child.pid}/task/${child.pid}/children`, 'utf8').trim().split(' ').map(Number);
  return {
    name: 'nginx',
    url: `http://127.0.0.1:${port}`,
    pids: workers,
    stop: async () => {
      await end(child);
      rmSync(home, { recursive: true, force: true });
    },
  };
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  return typeof address === 'object' && address !== null ? address.port : 0;
}

/** Memory that the processes hold, KB. */
export function memoryKb(pids: number[]): number {
  const resident = (pid: number): number =>
    Number(/^VmRSS:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? 0);
  return pids.reduce((sum, pid) => sum + resident(pid), 0);
}

/** CPU time of all threads of the processes, ms (proc(5), schedstat: nanoseconds on a core). */
export function cpuMs(pids: number[]): number {
  let nanoseconds = 0;
  for (const pid of pids) {
    for (const task of readdirSync(`/proc/${pid}/task`)) {
      try {
        nanoseconds += Number(readFileSync(`/proc/${pid}/task/${task}/schedstat`, 'utf8').split(' ')[0]);
      } catch {
        // A thread that ended in between.
      }
    }
  }
  return nanoseconds / 1e6;
}
