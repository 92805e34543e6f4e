/**
 * Tells its parent of every spell, in ms since 1970, during which this process got no time on its core. It sleeps nearly
 * always, so the scheduler lets it run at once, however busy the core is: a longer gap is the machine's own.
 */
const standstillMs = 15;
const now = () => performance.timeOrigin + performance.now();

let last = now();
setInterval(() => {
  const at = now();
  if (at - last > standstillMs) process.send([last, at]);
  last = at;
}, 2);
process.on('disconnect', () => process.exit());
