import { StoreError } from './errors.ts';
import { equalSecrets } from './password.ts';

/** Who asks: the owner of the password, or anyone on this machine. */
export type Caller = 'owner' | 'anyone';

/**
 * Tells who asks. No credentials at all are `anyone`; any that are wrong are refused, never taken for none. The user
 * `default` with an empty password is what ClickHouse's clients send when they were given nothing.
 */
export function authenticate(
  given: { user: string | undefined; password: string | undefined },
  secret: string,
): Caller {
  const user = given.user ?? 'default';
  const password = given.password ?? '';
  const known = user === 'default' || user === 'weir' || (given.user === '' && given.password === undefined);
  if (known && password === '') return 'anyone';
  // Compared for an unknown user too: the time taken is the same.
  const right = equalSecrets(password, secret);
  if (known && right) return 'owner';
  const message = `${user.slice(0, 64)}: Authentication failed: password is incorrect, or there is no user with such name.`;
  throw new StoreError(516, 'AUTHENTICATION_FAILED', message);
}
