export type Level = 'debug' | 'info' | 'warn' | 'error';

const order: readonly Level[] = ['debug', 'info', 'warn', 'error'];

/** One JSON line for each thing worth telling, on stderr. Never statements, headers or data. */
export interface Log {
  write(level: Level, event: string, fields?: Readonly<Record<string, string | number | undefined>>): void;
}

export function openLog(least: Level): Log {
  return {
    write(level, event, fields = {}) {
      if (order.indexOf(level) < order.indexOf(least)) return;
      process.stderr.write(`${JSON.stringify({ at: new Date().toISOString(), level, event, ...fields })}\n`);
    },
  };
}
