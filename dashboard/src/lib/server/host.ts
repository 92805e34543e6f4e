import { env } from './env.ts';

const loopback = new Set(['localhost', '127.0.0.1', '[::1]', '::1']);
export const listensOnLoopback = loopback.has(env.HOST) || env.HOST.startsWith('127.');
const named = new Set(
  env.WEIR_HOSTS.split(',')
    .map((host) => host.trim().toLowerCase())
    .filter(Boolean),
);

/** On loopback only loopback names (DNS rebinding); elsewhere the listed names, or any when none is listed. */
export function hostAllowed(header: string | null): boolean {
  const host = (header ?? '').toLowerCase();
  const name = host.replace(/:\d+$/, '');
  if (named.has(name) || named.has(host)) return true;
  if (listensOnLoopback) return loopback.has(name) || name.endsWith('.localhost');
  return named.size === 0 || loopback.has(name);
}
