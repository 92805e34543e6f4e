/**
 * Does something now, and again `ms` after it was done, until the returned function is called. It must not fail, and keeps no
 * process alive.
 */
export function repeat(work: () => Promise<void>, ms: number): () => void {
  let stopped = false;
  let timer: NodeJS.Timeout | undefined;
  const tick = async (): Promise<void> => {
    await work();
    if (!stopped) timer = setTimeout(() => void tick(), ms).unref();
  };
  void tick();
  return () => {
    stopped = true;
    clearTimeout(timer);
  };
}
