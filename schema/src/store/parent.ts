/**
 * Calls back once when whoever started this process is gone, so that no store outlives its supervisor and keeps the data
 * directory locked: its IPC channel closes, or, for one started without a channel, the parent's process id changes.
 */
export function onParentGone(gone: () => void): void {
  const once = callOnce(gone);
  process.once('disconnect', once);
  if (process.channel) {
    // The channel tells of the parent's death, and should not keep this process alive by itself.
    process.channel.unref();
    return;
  }
  const parent = process.ppid;
  setInterval(() => {
    if (process.ppid !== parent) once();
  }, 500).unref();
}

function callOnce(call: () => void): () => void {
  let called = false;
  return () => {
    if (!called) call();
    called = true;
  };
}
