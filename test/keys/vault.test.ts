/** Provider keys at rest, and which of them goes where. */
import type { ProviderKeyRow } from '@weir/schema/records';
import { expect, test } from 'vitest';
import { findProvider } from '../../proxy/src/route.ts';
import { open, opens, rewrap, seal } from '../../proxy/src/vault/seal.ts';
import { KeyRest } from '@weir/proxy/src/vault/rest.ts';
import { pick, Vault, type Destination } from '../../proxy/src/vault/vault.ts';

const master = 'a master secret of the test';
const other = 'another secret of the test';
const at = '2026-11-23 00:00:00.000000';

function stored(id: string, more: Partial<ProviderKeyRow> = {}, secret = `sk-${id}-0123456789`): ProviderKeyRow {
  const bound = {
    provider_key_id: id,
    provider: more.provider ?? 'openai',
    place: more.place ?? '',
    host: more.host ?? '',
  };
  const times = { created_at: at, created_by: 'key_1', updated_at: at };
  return {
    ...bound,
    name: id,
    weight: 1,
    enabled: true,
    deleted: false,
    ...seal(master, bound, secret),
    ...times,
    ...more,
  };
}
function to(path: string, named: string | null = null): Destination {
  const [name = '', place = ''] = path.split('/');
  return { provider: findProvider(name), place, path: '/v1/chat/completions', named };
}
function vaultOf(
  rows: ProviderKeyRow[],
  environment: Record<string, string> = {},
  secret: string | null = master,
): Vault {
  const vault = new Vault(secret ?? undefined, new Map(Object.entries(environment)));
  vault.replace(rows);
  return vault;
}

test('a secret comes back as it was, and no column holds it', () => {
  const row = stored('pk_1', {}, 'sk-CANARY-5e51-wxyz');
  expect(open(master, row)).toBe('sk-CANARY-5e51-wxyz');
  expect(JSON.stringify(row)).not.toContain('CANARY');
  expect(row.last4).toBe('wxyz');
  expect(stored('pk_1', {}, 'short-key').last4).toBe('');
  const again = stored('pk_2', {}, 'sk-CANARY-5e51-wxyz');
  expect(again.fingerprint).toBe(row.fingerprint);
  expect([again.ciphertext, again.wrapped_key, again.nonce]).not.toEqual([row.ciphertext, row.wrapped_key, row.nonce]);
});

test('it does not open with another master secret, nor when a byte of it was changed', () => {
  const row = stored('pk_1');
  expect([open(other, row), opens(other, row)]).toEqual([null, false]);
  for (const column of ['wrap_nonce', 'wrapped_key', 'nonce', 'ciphertext'] as const) {
    const bytes = Buffer.from(row[column], 'base64');
    bytes[3] = (bytes[3] ?? 0) ^ 1;
    expect(open(master, { ...row, [column]: bytes.toString('base64') }), column).toBeNull();
    expect(open(master, { ...row, [column]: '' }), column).toBeNull();
  }
});

test('a ciphertext that was moved to another row does not open there', () => {
  const row = stored('pk_1');
  for (const moved of [
    { provider_key_id: 'pk_2' },
    { provider: 'custom' },
    { host: 'https://evil.example' },
    { place: 'x' },
  ]) {
    expect(open(master, { ...row, ...moved })).toBeNull();
    expect(vaultOf([{ ...row, ...moved }]).opened).toBe(0);
  }
});

test('a new master secret wraps the data key again and leaves the ciphertext alone', () => {
  const row = stored('pk_1');
  const wrapped = rewrap(master, other, row);
  const rotated = { ...row, ...wrapped };
  expect([rotated.ciphertext, rotated.nonce, rotated.fingerprint]).toEqual([
    row.ciphertext,
    row.nonce,
    row.fingerprint,
  ]);
  expect([open(other, rotated), open(master, rotated)]).toEqual(['sk-pk_1-0123456789', null]);
  expect(rewrap(other, master, row)).toBeNull();
});

test('a process with the old master secret goes on with what it has opened, and takes nothing new', () => {
  const row = stored('pk_1');
  const vault = vaultOf([row]);
  const rotated = { ...row, ...rewrap(master, other, row), updated_at: '2026-11-23 00:00:01.000000' };
  vault.replace([rotated]);
  expect([vault.choose(to('openai'))?.secret, vault.unopened]).toEqual(['sk-pk_1-0123456789', []]);
  vault.replace([{ ...rotated, provider: 'anthropic' }]);
  expect([vault.choose(to('anthropic')), vault.unopened.length]).toEqual([null, 1]);
});

test('what does not open is named by its fingerprint, and the rest works', () => {
  const [mine, foreign] = [stored('pk_1'), stored('pk_2')];
  const vault = vaultOf([mine, { ...foreign, ...rewrap(master, other, foreign) }]);
  expect(vault.unopened).toEqual([{ provider_key_id: 'pk_2', provider: 'openai', fingerprint: foreign.fingerprint }]);
  expect([vault.opened, vault.choose(to('openai'))?.secret]).toEqual([1, 'sk-pk_1-0123456789']);
  expect(vaultOf([mine], {}, null).unopened).toHaveLength(1);
});

test('a key goes to the hosts it was stored for and to no other', () => {
  const vault = vaultOf(
    [
      stored('pk_openai'),
      stored('pk_azure', { provider: 'azure', place: 'mine' }),
      stored('pk_bedrock', { provider: 'bedrock', place: 'eu-west-1' }),
      stored('pk_custom', { provider: 'custom', host: 'https://llm.internal:8443' }),
    ],
    { anthropic: 'sk-environment' },
  );
  const chosen = (path: string, named?: string): string | null => vault.choose(to(path, named ?? null))?.secret ?? null;
  expect(chosen('openai')).toContain('pk_openai');
  expect(chosen('azure/mine')).toContain('pk_azure');
  expect(chosen('azure/mine.openai')).toContain('pk_azure');
  expect(chosen('bedrock/eu-west-1')).toContain('pk_bedrock');
  expect(chosen('anthropic')).toBe('sk-environment');
  expect(chosen('custom', 'https://llm.internal:8443')).toContain('pk_custom');
  for (const [path, named] of [
    ['azure/theirs'],
    ['azure/mine.services.ai'],
    ['azure/mine.evil.com#'],
    ['bedrock/us-east-1'],
    ['custom', 'https://llm.internal'],
    ['custom', 'http://llm.internal:8443'],
    ['custom', 'https://evil.example'],
    ['openai', 'https://evil.example'],
    ['anthropic', 'https://evil.example'],
    ['google'],
  ] as [string, string?][]) {
    expect(chosen(path, named), `${path} ${named ?? ''}`).toBeNull();
  }
});

test('several are taken by their weights, those of the environment too; a disabled or deleted one never', () => {
  const off = [stored('pk_off', { enabled: false }), stored('pk_gone', { deleted: true, ciphertext: '' })];
  const vault = vaultOf([stored('pk_1', { weight: 3 }), stored('pk_2', { weight: 4 }), ...off], {
    openai: 'sk-environment',
  });
  const counts = new Map<string, number>();
  for (let call = 0; call < 8_000; call++) {
    const key = vault.choose(to('openai'))?.secret ?? '';
    counts.set(key, (counts.get(key) ?? 0) + 1);
  }
  expect([...counts.keys()].sort()).toEqual(['sk-environment', 'sk-pk_1-0123456789', 'sk-pk_2-0123456789']);
  // Five standard deviations either side of 1/8, 3/8 and 4/8.
  for (const [key, share] of [
    ['sk-environment', 1],
    ['sk-pk_1-0123456789', 3],
    ['sk-pk_2-0123456789', 4],
  ] as const) {
    expect(Math.abs((counts.get(key) ?? 0) - share * 1000)).toBeLessThan(225);
  }
});

test('the choice follows the weights exactly', () => {
  const candidates = [
    { name: 'a', weight: 1 },
    { name: 'b', weight: 3 },
  ];
  expect([0, 0.24, 0.25, 0.99].map((random) => pick(candidates, random)?.name)).toEqual(['a', 'a', 'b', 'b']);
  expect(pick([], 0.5)).toBeUndefined();
});

test('a key that was refused rests while another fits; when all rest, the one that rests the shortest is asked', () => {
  const vault = vaultOf([stored('pk_1'), stored('pk_2')], {});
  const chosen = (): Set<string | undefined> => {
    return new Set(Array.from({ length: 200 }, () => vault.choose(to('openai'))?.id));
  };
  vault.answered('pk_1', 401, undefined);
  expect(chosen()).toEqual(new Set(['pk_2']));
  vault.answered('pk_2', 429, '7');
  expect(chosen()).toEqual(new Set(['pk_2']));
  expect(vault.resting()).toMatchObject([
    { provider_key_id: 'pk_1', status: 401 },
    { provider_key_id: 'pk_2', status: 429 },
  ]);
  // A provider's own failure says nothing of the key; success ends the rest.
  vault.answered('pk_2', 500, undefined);
  expect(chosen()).toEqual(new Set(['pk_2']));
  vault.answered('pk_1', 200, undefined);
  expect(chosen()).toEqual(new Set(['pk_1']));
});

test.each([
  [401, undefined, 60_000],
  [403, undefined, 60_000],
  [429, undefined, 5_000],
  [429, '30', 30_000],
  [429, 'Thu, 01 Jan 2026 00:00:20 GMT', 20_000],
  [429, '999999', 600_000],
  [429, 'soon', 5_000],
  [429, '0', 0],
  [500, '30', 0],
])('%s with Retry-After %s rests for %s ms', (status, retryAfter, ms) => {
  const at = Date.UTC(2026, 0, 1);
  const rest = new KeyRest();
  rest.answered('a', status, retryAfter, at);
  expect((rest.of('a', at)?.until ?? at) - at).toBe(ms);
  expect(rest.of('a', at + ms)).toBeNull();
});
