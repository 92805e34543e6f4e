/**
 * Sessions as signed cookies. Nothing is kept of one that goes on, so that any number costs nothing; of one that was ended
 * its id is kept until its last cookie would have expired. Invariants: a cookie that was made under another secret or another
 * password is none; a form's token says nothing of the cookie; a comparison of secrets takes the same time whatever they are.
 */
import { createHash, createHmac, hkdfSync, randomBytes, timingSafeEqual } from 'node:crypto';

/** A session ends this long after its last request. */
export const SESSION_MS = 12 * 3_600_000;
/** A cookie that is younger is not replaced: pages ask every few seconds. */
const RENEW_AFTER_MS = 5 * 60_000;
/** Each took the password to make: more than this many sign-outs within twelve hours are no person's. */
const MOST_ENDED = 10_000;

export interface Session {
  id: string;
  /** Milliseconds since 1970. */
  expires: number;
}

const digest = (text: string): Buffer => createHash('sha256').update(text).digest();

export class Sessions {
  #cookieKey: Buffer;
  #formKey: Buffer;
  #password: Buffer;
  /** Id of a session that was signed out → when its last cookie expires. */
  #ended = new Map<string, number>();

  /** @param password part of what signs: a changed one ends every session. */
  constructor(secret: Buffer, password: string) {
    this.#password = digest(password);
    const derive = (purpose: string): Buffer =>
      Buffer.from(hkdfSync('sha256', secret, this.#password, `weir dashboard ${purpose}`, 32));
    this.#cookieKey = derive('session');
    this.#formKey = derive('form');
  }

  /** Whether this is the password. Takes the same time whatever is given. */
  isPassword(given: string): boolean {
    return timingSafeEqual(digest(given), this.#password);
  }

  /** A new session's cookie. */
  begin(now: number): string {
    return this.#write({ id: randomBytes(16).toString('base64url'), expires: now + SESSION_MS });
  }

  /** The session of a cookie; null when it is forged, expired, signed out, or of another password. */
  read(cookie: string | undefined, now: number): Session | null {
    const [id = '', until = '', mac = '', ...more] = (cookie ?? '').split('.');
    if (more.length > 0 || !isSame(mac, this.#sign(`${id}.${until}`))) return null;
    const expires = Number.parseInt(until, 36);
    return expires > now && !this.#ended.has(id) ? { id, expires } : null;
  }

  /** The cookie that goes on where this one would end; undefined while it is young. */
  renew({ id, expires }: Session, now: number): string | undefined {
    if (expires - now > SESSION_MS - RENEW_AFTER_MS) return undefined;
    return this.#write({ id, expires: now + SESSION_MS });
  }

  /** Ends a session, also for copies of its cookie. */
  end({ id }: Session, now: number): void {
    for (const [one, expires] of this.#ended) if (expires <= now) this.#ended.delete(one);
    const oldest = this.#ended.keys().next().value;
    if (this.#ended.size >= MOST_ENDED && oldest !== undefined) this.#ended.delete(oldest);
    this.#ended.set(id, now + SESSION_MS);
  }

  /** What every form of a session carries, which a page elsewhere can neither read nor guess. */
  formToken(sessionId: string): string {
    return createHmac('sha256', this.#formKey).update(sessionId).digest('base64url');
  }

  isFormToken(sessionId: string, given: string): boolean {
    return isSame(given, this.formToken(sessionId));
  }

  #write({ id, expires }: Session): string {
    const text = `${id}.${expires.toString(36)}`;
    return `${text}.${this.#sign(text)}`;
  }

  #sign(text: string): string {
    return createHmac('sha256', this.#cookieKey).update(text).digest('base64url');
  }
}

/** Hashed first: `timingSafeEqual` takes texts of one length only, and a length tells something too. */
function isSame(one: string, other: string): boolean {
  return timingSafeEqual(digest(one), digest(other));
}
