/** The one door to ClickHouse: nothing else imports @clickhouse/client. */
import { ClickHouseError, ClickHouseLogLevel, createClient, type ClickHouseClient } from '@clickhouse/client';

export type Db = ClickHouseClient;
export type { DataFormat } from '@clickhouse/client';
export { ClickHouseError };

/** Settings of every statement: 64-bit integers and decimals come back as text, exactly. */
const readSettings = {
  output_format_json_quote_64bit_integers: 1,
  output_format_json_quote_decimals: 1,
} as const;

/**
 * Opens a connection pool to `url` (`http(s)://user:password@host:8123/database`; database `weir` when none is named).
 * Nothing is sent until the first query.
 */
export function openDb(url: string, options: { application?: string; timeoutMs?: number } = {}): Db {
  const parsed = new URL(url);
  const database = decodeURIComponent(parsed.pathname.slice(1)) || 'weir';
  return createClient({
    url: parsed.origin,
    username: decodeURIComponent(parsed.username) || 'default',
    password: decodeURIComponent(parsed.password),
    database,
    application: options.application ?? 'weir',
    request_timeout: options.timeoutMs ?? 30_000,
    max_open_connections: 16,
    keep_alive: { enabled: true, idle_socket_ttl: 2_000 },
    // The client's own log would print statements; whoever asks decides what is said of an error.
    log: { level: ClickHouseLogLevel.OFF },
    clickhouse_settings: { ...readSettings },
  });
}
