import { chmodSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** Where things are in a data directory. */
export interface DataDir {
  readonly root: string;
  readonly store: string;
  readonly pipes: string;
  /** Where the engine and the store keep files of statements that run. */
  readonly temporary: string;
  readonly engineArgs: readonly string[];
}

/** Makes the data directory (mode 0700) and the engine's configuration in it. */
export function prepareDataDir(root: string, memory: number): DataDir {
  mkdirSync(root, { recursive: true, mode: 0o700 });
  chmodSync(root, 0o700);
  const run = join(root, 'store-run');
  const store = join(root, 'store');
  const temporary = join(run, 'tmp');
  mkdirSync(store, { recursive: true, mode: 0o700 });
  mkdirSync(run, { recursive: true, mode: 0o700 });
  const config = join(run, 'config.xml');
  const users = join(run, 'users.xml');
  writeFileSync(users, usersXml, { mode: 0o600 });
  writeFileSync(config, configXml({ memory, users, temporary: `${temporary}/` }), { mode: 0o600 });
  return { root, store, pipes: join(run, 'pipes'), temporary, engineArgs: [`--config-file=${config}`] };
}

/** What a store that died left in its temporary directory. Called with the engine's lock held. */
export function clearTemporary(dataDir: DataDir): void {
  rmSync(dataDir.temporary, { recursive: true, force: true });
  mkdirSync(dataDir.temporary, { recursive: true, mode: 0o700 });
}

/** The process that holds the engine's lock on this directory, as the engine's own status file names it. */
export function findHolder(dataDir: DataDir): number | undefined {
  try {
    const pid = Number(/^PID: (\d+)$/m.exec(readFileSync(join(dataDir.store, 'status'), 'utf8'))?.[1]);
    if (!pid || pid === process.pid) return undefined;
    process.kill(pid, 0);
    return pid;
  } catch {
    return undefined;
  }
}

/**
 * Backups may go anywhere: only who reads this directory's password asks for one, and that is who runs the store. Memory that was
 * freed is looked for ten times a second: by its own count the engine would long be at its limit, and the process far above it.
 */
function configXml(options: { memory: number; users: string; temporary: string }): string {
  const text = (value: string) => value.replaceAll('&', '&amp;').replaceAll('<', '&lt;');
  return `<clickhouse>
  <max_server_memory_usage>${options.memory}</max_server_memory_usage>
  <tmp_path>${text(options.temporary)}</tmp_path>
  <users_config>${text(options.users)}</users_config>
  <timezone>UTC</timezone>
  <mark_cache_size>134217728</mark_cache_size>
  <uncompressed_cache_size>0</uncompressed_cache_size>
  <memory_worker_period_ms>100</memory_worker_period_ms>
  <memory_worker_purge_dirty_pages_threshold_ratio>0.05</memory_worker_purge_dirty_pages_threshold_ratio>
  <backups><allowed_path>/</allowed_path></backups>
</clickhouse>
`;
}

// chDB has one user; what a statement without credentials may do is a role that its connection is reduced to.
const usersXml = `<clickhouse>
  <roles>
    <weir_admin><grants><query>GRANT ALL ON *.*</query></grants></weir_admin>
    <weir_reader><grants><query>GRANT SELECT ON weir.*</query></grants></weir_reader>
  </roles>
  <profiles><default/></profiles>
  <quotas><default/></quotas>
  <users>
    <default>
      <password></password>
      <networks><ip>::/0</ip></networks>
      <profile>default</profile>
      <quota>default</quota>
      <grants><query>GRANT weir_admin</query><query>GRANT weir_reader</query></grants>
    </default>
  </users>
</clickhouse>
`;
