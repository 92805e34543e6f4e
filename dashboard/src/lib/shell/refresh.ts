import { invalidate, invalidateAll } from '$app/navigation';
import { navigating } from '$app/state';

/**
 * Loads the data of the page again by itself, either all or what depends on `dependency`.
 * On the way to another page it does nothing: SvelteKit gives a navigation up when something is invalidated
 * before it has arrived, and a click on a slow page would be lost.
 *
 * @returns whether it loaded anything
 */
export async function refresh(dependency?: string): Promise<boolean> {
  if (navigating.to !== null) return false;
  await (dependency === undefined ? invalidateAll() : invalidate(dependency));
  return true;
}
