/** One cursor for all charts of a page: the moment under the pointer, and which plot the pointer is over. */
export const cursor = $state<{ at: number | null; over: string }>({ at: null, over: '' });

/** The bucket of the cursor in a range; null when it is elsewhere or nowhere. */
export function bucketAt(range: { from: number; step: number }, count: number): number | null {
  if (cursor.at === null) return null;
  const index = Math.floor((cursor.at - range.from) / range.step);
  return index >= 0 && index < count ? index : null;
}
