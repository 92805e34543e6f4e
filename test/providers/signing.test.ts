import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { generateKeyPairSync, createVerify } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { forwardHeaders, forwardQuery, identify } from '../../proxy/src/credentials.ts';
import { parseInstructions } from '../../proxy/src/headers.ts';
import type { Keys } from '../../proxy/src/keys/keys.ts';
import { Vault } from '../../proxy/src/vault/vault.ts';
import { findProvider, routeNative, splitPath } from '../../proxy/src/route.ts';
import { ServiceAccount } from '../../proxy/src/signing/service-account.ts';
import { Signer } from '../../proxy/src/signing/signer.ts';
import { authorization, sha256 } from '../../proxy/src/signing/sigv4.ts';

const aws = {
  accessKeyId: 'AKIDEXAMPLE',
  secretAccessKey: 'wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY',
  sessionToken: null,
};

describe("AWS's published test suite (docs.aws.amazon.com/general/latest/gr/signature-v4-test-suite.html)", () => {
  const sign = (method: string, path: string, headers: readonly string[] = [], body = ''): string => {
    const all = ['Host', 'example.amazonaws.com', ...headers, 'X-Amz-Date', '20150830T123600Z'];
    const at = new Date('2015-08-30T12:36:00Z');
    return authorization(
      { method, path, headers: all, payloadHash: sha256(body), region: 'us-east-1', service: 'service', at },
      aws,
    );
  };
  test.each([
    ['get-vanilla', 'GET', '/', [], '', '5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31'],
    ['post-vanilla', 'POST', '/', [], '', '5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b'],
    [
      'get-vanilla-query-order-key-case',
      'GET',
      '/?Param2=value2&Param1=value1',
      [],
      '',
      'b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500',
    ],
    [
      'post-header-value-case',
      'POST',
      '/',
      ['My-Header1', 'VALUE1'],
      '',
      'cdbc9802e29d2942e5e10b5bccfdd67c5f22c7c4e8ae67b53629efa58b974b7d',
    ],
    [
      'get-header-key-duplicate',
      'GET',
      '/',
      ['My-Header1', 'value2', 'My-Header1', 'value2', 'My-Header1', 'value1'],
      '',
      'c9d5ea9f3f72853aea855b47ea873832890dbdd183b4468f858259531a5138ea',
    ],
  ])('%s', (_, method, path, headers, body, signature) => {
    const text = sign(method, path, headers, body);
    expect(text).toContain('Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_request');
    expect(text.split('Signature=')[1]).toBe(signature);
  });
});

const keys = {
  find: (text: string) => (text.startsWith('wk_good') ? { keyId: 'key_1', project: 'p' } : null),
  whyNot: () => 'This Weir key is not known here.',
} as unknown as Keys;
const signature = (key: string): string =>
  `AWS4-HMAC-SHA256 Credential=${key}/20260101/us-east-1/bedrock/aws4_request, SignedHeaders=host, Signature=00`;

interface Passed {
  headers: string[];
  signing: string | null;
}

/** What goes on of a call's headers. */
function pass(
  path: string,
  headers: string[],
  settings: { held?: Record<string, string>; can?: boolean } = {},
): Passed {
  const split = splitPath(path);
  const provider = findProvider(split.provider);
  const instructions = parseInstructions(headers);
  const credentials = identify(provider, headers, split.query, instructions, { keys, requireKey: false });
  const { forwarded, signing } = forwardHeaders(headers, {
    destination: { provider, place: split.place, path: split.path, named: null },
    connection: undefined,
    credentials,
    held: new Vault(undefined, new Map(Object.entries(settings.held ?? {}))),
    signer: { can: () => settings.can ?? false },
  });
  return { headers: forwarded, signing };
}

describe('whose credential goes to a place', () => {
  test('the caller’s own passes: both ways of Azure, tokens of Vertex and Bedrock', () => {
    for (const [path, headers] of [
      ['/azure/r/openai/v1/x', ['api-key', 'azure-key']],
      ['/azure/r/openai/v1/x', ['Authorization', 'Bearer entra-token']],
      ['/vertex/global/v1/x', ['Authorization', 'Bearer ya29.token']],
      ['/bedrock/us-east-1/model/m/converse', ['Authorization', 'Bearer bedrock-api-key']],
    ] as const) {
      expect(pass(path, [...headers])).toEqual({ headers: [...headers], signing: null });
    }
  });

  test('what Weir holds goes in for a Weir key, wherever that stands', () => {
    const held = { azure: 'held-azure', bedrock: 'held-bedrock' };
    expect(pass('/azure/r/x', ['api-key', 'wk_good'], { held }).headers).toEqual(['api-key', 'held-azure']);
    expect(pass('/azure/r/x', ['Authorization', 'Bearer wk_good'], { held }).headers).toEqual([
      'api-key',
      'held-azure',
    ]);
    const bearer = ['authorization', 'Bearer held-bedrock'];
    expect(pass('/bedrock/us-east-1/x', ['Authorization', 'Bearer wk_good'], { held })).toEqual({
      headers: bearer,
      signing: null,
    });
    expect(pass('/vertex/global/x', ['Authorization', 'Bearer wk_good'], { can: true })).toEqual({
      headers: [],
      signing: 'google-service-account',
    });
    expect(forwardQuery(findProvider('azure'), '?api-version=1&api-key=wk_good')).toBe('?api-version=1');
  });

  test('a caller’s AWS signature is refused with a sentence, for it covers another host', () => {
    const refused = expect.objectContaining({
      code: 'unauthorized',
      status: 401,
      message: expect.stringContaining('signature') as string,
    }) as Error;
    expect(() => pass('/bedrock/us-east-1/x', ['Authorization', signature('AKIA1')], { can: true })).toThrow(refused);
    expect(() => pass('/bedrock/us-east-1/x?X-Amz-Signature=00', [], { can: true })).toThrow(refused);
  });

  test('with a Weir key beside or inside it, Weir signs instead', () => {
    const dropped = ['X-Amz-Date', 'x', 'X-Amz-Security-Token', 'y', 'x-amz-content-sha256', 'z'];
    const content = ['Content-Type', 'application/json', 'X-Amzn-Bedrock-Trace', 'ENABLED'];
    const beside = ['Weir-Key', 'wk_good', 'Authorization', signature('AKIA1'), ...dropped, ...content];
    expect(pass('/bedrock/us-east-1/x', beside, { can: true })).toEqual({ headers: content, signing: 'aws-sigv4' });
    const inside = ['Authorization', signature('wk_good'), ...content];
    expect(pass('/bedrock/us-east-1/x', inside, { can: true })).toEqual({ headers: content, signing: 'aws-sigv4' });
    expect(() => pass('/bedrock/us-east-1/x', ['Authorization', signature('wk_bad')])).toThrow('not known');
    expect(() => pass('/bedrock/us-east-1/x', inside)).toThrow('AWS_ACCESS_KEY_ID');
  });
});

test('Weir signs what it sends: host, body, and every x-amz header', async () => {
  const signer = new Signer({ aws: { ...aws, sessionToken: 'token' }, googleServiceAccount: null, bodyLimit: 10 });
  expect([signer.can('aws-sigv4'), signer.can('google-service-account')]).toEqual([true, false]);
  const split = splitPath('/bedrock/eu-west-1/model/a%3A0/converse');
  const route = { upstreams: new Map<string, string>(), allowTargets: [], isOwnAddress: () => false };
  const target = routeNative(findProvider('bedrock'), split, parseInstructions([]), route);
  async function* body(...parts: string[]): AsyncGenerator<Buffer> {
    for (const part of parts) yield await Promise.resolve(Buffer.from(part));
  }
  const request = {
    method: 'POST',
    target,
    place: 'eu-west-1',
    headers: ['Content-Type', 'application/json', 'User-Agent', 'u'],
  };
  const signed = await signer.sign('aws-sigv4', { ...request, body: body('{"a"', ':1}') });
  expect(signed.body?.toString()).toBe('{"a":1}');
  const text = signed.headers.at(-1) ?? '';
  expect(text).toMatch(/Credential=AKIDEXAMPLE\/\d{8}\/eu-west-1\/bedrock\/aws4_request/);
  expect(text).toContain('SignedHeaders=content-type;host;x-amz-content-sha256;x-amz-date;x-amz-security-token,');
  expect(signed.headers).toContain(sha256('{"a":1}'));
  await expect(signer.sign('aws-sigv4', { ...request, body: body('12345', '678901') })).rejects.toThrow(
    'WEIR_REPLAY_LIMIT',
  );
});

describe('a Google service account', () => {
  const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  const directory = mkdtempSync(join(tmpdir(), 'weir-account-'));
  const file = join(directory, 'account.json');
  const asked: URLSearchParams[] = [];
  let status = 200;
  let server: Server;
  beforeAll(async () => {
    server = createServer((request, response) => {
      const parts: Buffer[] = [];
      request.on('data', (part: Buffer) => parts.push(part));
      request.on('end', () => {
        asked.push(new URLSearchParams(Buffer.concat(parts).toString()));
        response.writeHead(status, { 'content-type': 'application/json' });
        response.end(JSON.stringify({ access_token: `token-${asked.length}`, expires_in: 3600, token_type: 'Bearer' }));
      });
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const account = {
      type: 'service_account',
      client_email: 'weir@p.iam.gserviceaccount.com',
      private_key: privateKey.export({ type: 'pkcs8', format: 'pem' }),
      private_key_id: 'k1',
      token_uri: `http://127.0.0.1:${(server.address() as AddressInfo).port}/token`,
    };
    writeFileSync(file, JSON.stringify(account));
  });
  afterAll(async () => {
    await new Promise((resolve) => server.close(resolve));
    rmSync(directory, { recursive: true });
  });

  test('is asked once for a token that several calls use, with a claim that its key signed', async () => {
    const account = new ServiceAccount(file);
    expect(await Promise.all([account.token(), account.token()])).toEqual(['token-1', 'token-1']);
    expect(await account.token()).toBe('token-1');
    expect(asked).toHaveLength(1);
    expect(asked[0]?.get('grant_type')).toBe('urn:ietf:params:oauth:grant-type:jwt-bearer');
    const [header = '', claims = '', proof = ''] = (asked[0]?.get('assertion') ?? '').split('.');
    expect(createVerify('RSA-SHA256').update(`${header}.${claims}`).verify(publicKey, proof, 'base64url')).toBe(true);
    expect(JSON.parse(Buffer.from(claims, 'base64url').toString())).toMatchObject({
      iss: 'weir@p.iam.gserviceaccount.com',
      scope: 'https://www.googleapis.com/auth/cloud-platform',
    });
  });

  test('that is refused, or that is none, is told without its secrets', async () => {
    status = 400;
    const refused = await new ServiceAccount(file).token().catch((error: unknown) => error);
    expect(refused).toMatchObject({ code: 'upstream_credentials', status: 502 });
    expect(String(refused)).not.toContain('PRIVATE');
    await expect(new ServiceAccount(join(directory, 'none.json')).token()).rejects.toThrow('cannot be read');
  });
});
