/** The call again, as one command. Keys were never recorded: a placeholder stands where one belongs. */
import type { RequestRow } from '@weir/schema/records';

const quote = (text: string): string => `'${text.replaceAll("'", "'\\''")}'`;
const left = new Set([
  'authorization',
  'x-api-key',
  'x-goog-api-key',
  'api-key',
  'content-length',
  'host',
  'connection',
  'accept-encoding',
  'user-agent',
  'weir-key',
  'weir-id',
  'transfer-encoding',
  'expect',
  'cookie',
  'origin',
  'referer',
  'keep-alive',
]);
const keyHeader: Record<string, string> = {
  anthropic: 'x-api-key: $ANTHROPIC_API_KEY',
  google: 'x-goog-api-key: $GEMINI_API_KEY',
};

export function curl(
  row: Pick<RequestRow, 'method' | 'path' | 'query' | 'provider'>,
  headers: Record<string, string>,
  body: string | null,
  proxy: string,
): string {
  const first = row.path.split('/')[1] ?? row.provider;
  const key = keyHeader[first] ?? `Authorization: Bearer $${first.toUpperCase().replaceAll(/[^A-Z0-9]/g, '_')}_API_KEY`;
  const query = row.query ? `?${row.query.replace(/^\?/, '')}` : '';
  const kept = Object.entries(headers).filter(
    ([name, value]) => !left.has(name.toLowerCase()) && !/^sec-|^x-stainless/i.test(name) && value !== 'removed',
  );
  const lines = [
    `curl -X ${row.method} ${quote(`${proxy}${row.path}${query}`)}`,
    `  -H "${key}"`,
    ...kept.map(([name, value]) => `  -H ${quote(`${name}: ${value}`)}`),
    ...(body
      ? [`  --data-raw ${quote(body)}`]
      : body === null && row.method !== 'GET'
        ? ['  --data-binary @request.json   # the body is long: download it from the request’s page']
        : []),
  ];
  return lines.join(' \\\n');
}
