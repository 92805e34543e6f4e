/**
 * Every model that a body names, for a key that may call some models only. What is looked for is what any reader might take for
 * the model: a member that comes twice (most take the last), its name in other letters or with escapes, a list of fallbacks, a
 * form's field. Where that cannot be told for certain, it is not guessed.
 */
import { eachMember } from '../json/members.ts';

/**
 * @param replaced a member of this very name is not looked at: another value is about to take its place.
 * @returns null when the body cannot be read for certain; [] when it names none.
 */
export function modelsInBody(
  body: Buffer,
  contentType: string,
  encoding: string,
  replaced: string | null = null,
): string[] | null {
  if (encoding !== '' && encoding.toLowerCase() !== 'identity') return null;
  const type = contentType.split(';')[0]?.trim().toLowerCase() ?? '';
  if (type === 'multipart/form-data') return inForm(body, contentType);
  return type === '' || /^(application|text)\/([a-z0-9.+-]+\+)?(json|plain)$/.test(type)
    ? inJson(body, replaced)
    : null;
}

function inJson(body: Buffer, replaced: string | null): string[] | null {
  const models: string[] = [];
  let clear = true;
  const whole = eachMember(body, (name, value) => {
    // Some readers of JSON (Go's) take names in any case.
    const folded = name.toUpperCase().toLowerCase();
    if (name === replaced || (folded !== 'model' && folded !== 'models')) return;
    const named = namesOf(value);
    if (named === null) clear = false;
    else models.push(...named);
  });
  return whole && clear ? models : null;
}

/** A text, or a list of texts (OpenRouter's fallbacks). */
function namesOf(value: Buffer): string[] | null {
  try {
    const parsed: unknown = JSON.parse(value.toString());
    const list: unknown[] = Array.isArray(parsed) ? parsed : [parsed];
    return list.every((entry) => typeof entry === 'string') ? list : null;
  } catch {
    return null;
  }
}

/** RFC 7578, read strictly: one boundary, one plain name a part. */
function inForm(body: Buffer, contentType: string): string[] | null {
  const [boundary, another] = [...contentType.matchAll(/;\s*boundary\s*=\s*(?:"([^"]{1,200})"|([^\s;"]{1,200}))/gi)];
  if (boundary === undefined || another !== undefined) return null;
  const parts = body.toString('latin1').split(`--${boundary[1] ?? boundary[2] ?? ''}`);
  const models: string[] = [];
  for (const part of parts.slice(1)) {
    if (part.startsWith('--')) return models;
    const end = part.indexOf('\r\n\r\n');
    const names = end === -1 ? [] : [...part.slice(0, end).matchAll(/[;\s](name\*?)\s*=\s*(?:"([^"]*)"|([^\s;"]+))/gi)];
    const name = names[0]?.[2] ?? names[0]?.[3];
    if (names.length !== 1 || name === undefined || names[0]?.[1]?.endsWith('*') === true) return null;
    if (name.toLowerCase() !== 'model') continue;
    models.push(Buffer.from(part.slice(end + 4).replace(/\r\n$/, ''), 'latin1').toString('utf8'));
  }
  // The form's end did not come.
  return null;
}
