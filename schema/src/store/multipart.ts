import { StoreError } from './errors.ts';

/** The boundary of a multipart/form-data body, or nothing when the body is something else. */
export function readBoundary(contentType: string | undefined): string | undefined {
  if (!/^multipart\/form-data\b/i.test(contentType ?? '')) return undefined;
  const match = /;\s*boundary=(?:"([^"]+)"|([^\s;]+))/i.exec(contentType!);
  const boundary = match?.[1] ?? match?.[2];
  if (!boundary || boundary.length > 200)
    throw new StoreError(36, 'BAD_ARGUMENTS', 'The multipart body has no boundary');
  return boundary;
}

/**
 * The fields of a multipart/form-data body: clients send a long statement and its parameters so. A field is what the same
 * name in the URL would be (src/Server/HTTP/HTMLForm.cpp); only `query` and `param_…` may come this way.
 */
export function parseFields(body: Buffer, boundary: string): ReadonlyMap<string, string> {
  const fields = new Map<string, string>();
  // latin1 keeps one character to a byte.
  for (const part of `\r\n${body.toString('latin1')}`.split(`\r\n--${boundary}`).slice(1)) {
    if (part.startsWith('--')) return fields;
    const end = part.indexOf('\r\n\r\n');
    const head = part.slice(0, end);
    const name = /^content-disposition:\s*form-data;.*?\bname="([^"]*)"/im.exec(head)?.[1];
    if (end < 0 || name === undefined) break;
    if (/\bfilename\*?=/i.test(head) || !(name === 'query' || name.startsWith('param_'))) throw externalData();
    fields.set(name, Buffer.from(part.slice(end + 4), 'latin1').toString('utf8'));
  }
  throw new StoreError(36, 'BAD_ARGUMENTS', 'The multipart body is cut off or malformed');
}

function externalData(): StoreError {
  const message =
    'External data is not supported: of a multipart body only the fields query and param_… are read. Insert the data into a temporary table of a session';
  return new StoreError(48, 'NOT_IMPLEMENTED', message);
}
