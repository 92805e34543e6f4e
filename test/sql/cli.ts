/** The command line beside a store. */
import { runCli, startCli, type Ended } from '../support/cli.ts';
import type { TestStore } from '../store/support.ts';

/** What a command needs to find the store. */
export function environmentOf(store: TestStore): Record<string, string> {
  return { WEIR_DATA_DIR: store.dataDir, WEIR_STORE_PORT: new URL(store.url).port };
}

export function start(store: TestStore, words: string[]): ReturnType<typeof startCli> {
  return startCli(words, environmentOf(store));
}

/** Runs a command to its end. */
export function weir(store: TestStore, words: string[], stdin = ''): Promise<Ended> {
  return runCli(words, environmentOf(store), stdin);
}
