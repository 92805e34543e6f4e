import { totalmem } from 'node:os';
import { resolve } from 'node:path';
import { z } from 'zod';

const MiB = 1024 * 1024;

const environment = z.object({
  WEIR_DATA_DIR: z
    .string()
    .min(1)
    .default('./.weir')
    .transform((path) => resolve(path)),
  WEIR_STORE_PORT: z.coerce.number().int().min(0).max(65535).default(8123),
  /** Bytes that the engine may use in all. */
  WEIR_STORE_MEMORY: z.coerce
    .number()
    .int()
    .min(256 * MiB)
    .default(() => Math.max(1024 * MiB, Math.min(8192 * MiB, Math.floor(totalmem() / 4)))),
  /** Whether it gives way to every other process. */
  WEIR_STORE_STEP_BACK: z.enum(['on', 'off']).default('on'),
  WEIR_STORE_LOG: z.enum(['debug', 'info', 'warn', 'error']).default('info'),
  UV_THREADPOOL_SIZE: z.coerce.number().int().min(1).default(4),
});

/** What the store is told by its environment. */
export interface StoreConfig {
  readonly dataDir: string;
  readonly port: number;
  readonly memory: number;
  readonly stepBack: boolean;
  readonly log: 'debug' | 'info' | 'warn' | 'error';
  /** Threads that statements may occupy. */
  readonly threads: number;
}

/** Reads the store's settings; throws a sentence that names the wrong one. */
export function parseConfig(env: NodeJS.ProcessEnv): StoreConfig {
  const parsed = environment.safeParse(env);
  if (!parsed.success) {
    const issue = parsed.error.issues[0];
    throw new Error(`${String(issue?.path[0] ?? 'environment')}: ${issue?.message ?? 'not understood'}`);
  }
  const { data } = parsed;
  return {
    dataDir: data.WEIR_DATA_DIR,
    port: data.WEIR_STORE_PORT,
    memory: data.WEIR_STORE_MEMORY,
    stepBack: data.WEIR_STORE_STEP_BACK === 'on',
    log: data.WEIR_STORE_LOG,
    threads: data.UV_THREADPOOL_SIZE,
  };
}
